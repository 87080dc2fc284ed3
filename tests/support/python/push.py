"""Pushing and pulling with the raw client, step by step."""

from images import digest_of

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def begin_upload(client, name, token):
    """The session's address."""
    answer = client.request("POST", f"/v2/{name}/blobs/uploads/", token=token)
    assert answer.status == 202, answer
    return answer.header("Location")


def send_chunk(client, location, data, start, token):
    answer = client.request(
        "PATCH", location, token=token, body=data,
        headers={"Content-Type": "application/octet-stream",
                 "Content-Range": f"{start}-{start + len(data) - 1}"},
    )  # fmt: skip
    assert answer.status == 202, answer
    return answer.header("Location")


def finish_upload(client, location, digest, token):
    separator = "&" if "?" in location else "?"
    answer = client.request("PUT", f"{location}{separator}digest={digest}", token=token)
    assert answer.status == 201, answer
    return answer


def push_blob(client, name, data, token):
    location = begin_upload(client, name, token)
    location = send_chunk(client, location, data, 0, token)
    return finish_upload(client, location, digest_of(data), token)


def push_image(client, name, tag, image, token):
    for blob in (image.layer, image.config):
        push_blob(client, name, blob, token)
    put_manifest(client, name, tag, image.manifest, MANIFEST, token)


def put_manifest(client, name, tag, document, media_type, token):
    answer = client.request(
        "PUT", f"/v2/{name}/manifests/{tag}", token=token, body=document,
        headers={"Content-Type": media_type},
    )  # fmt: skip
    assert answer.status == 201, answer


def get_manifest(client, name, reference, token, **more):
    return client.request(
        "GET", f"/v2/{name}/manifests/{reference}", {"Accept": MANIFEST}, token=token, **more
    )
