"""The child process of an embedded model: llama.cpp's own server on loopback, gone as soon as its parent is.

`python -m router.upstreams.llama_server NAME MODEL PORT SLOTS CONTEXT THREADS`
"""

import os
import sys


def main(name: str, model: str, port: int, slots: int, context_tokens: int, threads: int) -> None:
    """Serves until standard input closes: that happens when the parent ends, however it ends."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {name}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_parallel = slots
    params.n_ctx = context_tokens
    params.cpuparams.n_threads = threads
    params.use_jinja = True
    server = xllamacpp.Server(params)
    print("listening", flush=True)
    sys.stdin.buffer.read()
    del server
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *(int(argument) for argument in sys.argv[3:]))
