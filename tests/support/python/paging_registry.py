"""A front of the registry that gives no more than so many tags at a time, as hosted registries do.

    paging_registry.py LISTEN_ADDRESS:PORT https://REGISTRY:PORT PAGE CA

distribution gives all tags to whoever does not ask for a page. Everything but `n` passes unchanged.
"""

import http.client
import http.server
import ssl
import sys
import urllib.parse

_DROPPED = {"connection", "transfer-encoding", "keep-alive"}


class _Front(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        address, page, context = self.server.behind
        target = urllib.parse.urlsplit(self.path)
        if target.path.endswith("/tags/list"):
            query = dict(urllib.parse.parse_qsl(target.query))
            query["n"] = str(min(int(query.get("n", page)), page))
            target = target._replace(query=urllib.parse.urlencode(query))
        connection = http.client.HTTPSConnection(address, timeout=20, context=context)
        try:
            connection.request("GET", target.geturl(), headers=dict(self.headers.items()))
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _DROPPED | {"content-length", "server", "date"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main():
    listen, registry, page, ca = sys.argv[1:]
    host, port = listen.rsplit(":", 1)
    server = http.server.ThreadingHTTPServer((host, int(port)), _Front)
    address = urllib.parse.urlsplit(registry).netloc
    server.behind = (address, int(page), ssl.create_default_context(cafile=ca))
    server.serve_forever()


if __name__ == "__main__":
    main()
