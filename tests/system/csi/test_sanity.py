"""csi-sanity, whole: the released conformance suite of CSI against the driver.

Its controller part runs for drivers with a controller service, which this one has not; volumes that
its node part wants to be created are made by a stub here, as for every driver of inline volumes.
"""

import concurrent.futures
import json
import os
import re
import uuid

import grpc
import yaml

from csi import AUDIENCE, TOKENS, expiry_of
from peers import peer
from testca import write


def test_csi_sanity_fails_nothing(node):
    uid = str(uuid.uuid4())
    context = {
        "connectors": "harbor",
        "csi.storage.k8s.io/pod.name": "sanity",
        "csi.storage.k8s.io/pod.namespace": "ci",
        "csi.storage.k8s.io/pod.uid": uid,
        "csi.storage.k8s.io/serviceAccount.name": "builder",
        "csi.storage.k8s.io/ephemeral": "true",
    }
    token = node.control.token("builder", "ci")
    tokens = json.dumps({AUDIENCE: {"token": token, "expirationTimestamp": expiry_of(token)}})
    secrets = write(os.path.join(node.directory, "secrets.yaml"),
                    yaml.safe_dump({"NodePublishVolumeSecret": {TOKENS: tokens}}))  # fmt: skip
    folder = f"{node.pods}/{uid}/volumes/kubernetes.io~csi"
    os.makedirs(node.see(folder))
    socket = os.path.join(node.directory, "controller.sock")
    stub = serve_controller(socket, context, node.socket)
    try:
        # csi-sanity waits for its connection's state to change. One that is ready before it looks never
        # does; with one thread of Go's, connecting goes on only when it waits.
        done = node.run([
            "env", "GOMAXPROCS=1", peer("csi-sanity"), f"--csi.endpoint=unix://{node.socket}",
            f"--csi.controllerendpoint=unix://{socket}", f"--csi.secrets={secrets}",
            f"--csi.mountdir={folder}/cfg",
            f"--csi.stagingdir={node.directory}/staging", "--ginkgo.no-color",
        ], timeout=100)  # fmt: skip
    finally:
        stub.stop(0)

    summary = re.search(r"Ran (\d+) of (\d+) Specs.*\n.*", done.output)
    assert summary, done.output[-3000:]
    print("\ncsi-sanity: " + summary[0])
    assert done.code == 0, done.output[-6000:]
    assert int(summary[1]) > 10 and "0 Failed" in summary[0]


def serve_controller(path, context, driver):
    """The least controller: what it creates is an id and these attributes. The suite asks it for
    its identity as well, which it hands on to the driver."""
    created = set()
    channel = grpc.insecure_channel(f"unix:{driver}")

    def handed_on(name):
        call = channel.unary_unary(f"/csi.v1.Identity/{name}")
        return lambda request, _context: call(request)

    def create(_request, _context):
        volume_id = f"sanity-{len(created)}".encode()
        created.add(volume_id)
        pairs = b"".join(
            field(3, field(1, key.encode()) + field(2, value.encode()))
            for key, value in context.items()
        )
        return field(1, field(2, volume_id) + pairs)

    def validate(request, call):
        found = dict(fields(request))
        if 1 not in found or 3 not in found:
            call.abort(grpc.StatusCode.INVALID_ARGUMENT, "the id or the capabilities are missing")
        if found[1] not in created:
            call.abort(grpc.StatusCode.NOT_FOUND, "there is no such volume")
        return field(1, field(2, found[3]))

    def nothing(_request, _context):
        return b""

    def capabilities(_request, _context):
        # The suite wants one; of those that there are this one brings no tests with it.
        single_node_multi_writer = bytes([1 << 3, 13])
        return field(1, field(1, single_node_multi_writer))

    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    calls = {"CreateVolume": create, "DeleteVolume": nothing,
             "ValidateVolumeCapabilities": validate,
             "ControllerGetCapabilities": capabilities}  # fmt: skip
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("csi.v1.Controller", {
        name: grpc.unary_unary_rpc_method_handler(call)  # Bytes in, bytes out.
        for name, call in calls.items()
    }),))  # fmt: skip
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("csi.v1.Identity", {
        name: grpc.unary_unary_rpc_method_handler(handed_on(name))
        for name in ("GetPluginInfo", "GetPluginCapabilities", "Probe")
    }),))  # fmt: skip
    server.add_insecure_port(f"unix:{path}")
    server.start()
    return server


def field(number, content):
    """A length-delimited field of protobuf."""
    size, length = len(content), bytearray()
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    length.append(size)
    return bytes([number << 3 | 2]) + bytes(length) + content


def fields(message):
    """(number, content) of a message that has only such fields, with one-byte numbers."""
    at = 0
    while at < len(message):
        number, size, shift, at = message[at] >> 3, 0, 0, at + 1
        while message[at] & 128:
            size, shift, at = size | (message[at] & 127) << shift, shift + 7, at + 1
        size, at = size | message[at] << shift, at + 1
        yield number, message[at : at + size]
        at += size
