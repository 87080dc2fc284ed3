"""What a refused call says."""

import grpc


def refusal(call, *args, **kwargs):
    """(gRPC code, message) of a call that must fail."""
    try:
        call(*args, **kwargs)
    except grpc.RpcError as error:
        return error.code(), error.details()
    raise AssertionError("the call succeeded")


def is_served(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except grpc.RpcError:
        return False
    return True
