"""What a service in Python is today: ts_add by gRPC, the messages packed by hand.

  grpc_server.py ADDRESS      prints "ready" when it listens
"""
import concurrent.futures
import signal
import struct
import sys

import grpc


def add(request, _):
    a, b = struct.unpack("<ii", request)
    return struct.pack("<i", a + b)


def main():
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=1))
    handler = grpc.unary_unary_rpc_method_handler(add)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("textstat", {"add": handler}),))
    server.add_insecure_port(sys.argv[1])
    server.start()
    print("ready", flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    server.stop(None).wait()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main()
