"""Wasmtime on the modules of a folder and on the CPU-bound kernels of the bench vectors; CPU time.

    peer.py compile FOLDER      "compile BYTES SECONDS PEAK_KIB"
    peer.py loops FILE.json...  "loop ID MICROSECONDS" for each vector whose actor is one of bench.c's:
                                its code without metering, entered as often as the vector says
"""
import base64
import glob
import gzip
import json
import resource
import struct
import sys
import time

from wasmtime import Config, Engine, Func, FuncType, Linker, Module, Store, ValType

MAGIC = b"\0asm\x01\0\0\0"


def compile_all(folder):
    inputs = []
    for path in sorted(glob.glob(folder + "/*.wasm")):
        with open(path, "rb") as file:
            inputs.append(file.read())
    engine = Engine(Config())
    start = time.process_time()
    modules = [Module(engine, wasm) for wasm in inputs]
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print("compile", sum(map(len, inputs)), f"{seconds:.4f}", peak)
    del modules


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def kernel_module(vector):
    """The code of bench.c's actor: the module of the CAR that imports these two and no others."""
    car = gzip.decompress(base64.b64decode(vector["car"]))
    length, at = varint(car, 0)
    at += length
    found = None
    while at < len(car):
        length, at = varint(car, at)
        block = car[at : at + length]
        at += length
        start = block.find(MAGIC)
        if 0 <= start < 100 and b"message_context" in block and b"block_create" in block:
            found = block[start:]
    return found


def method_of(message):
    """Field 8 of a message: [version, to, from, nonce, value, gas limit, fee cap, premium, method]."""
    at = 1
    for field in range(9):
        major, value = message[at] >> 5, message[at] & 31
        at += 1
        if value >= 24:
            size = 1 << (value - 24)
            value = int.from_bytes(message[at : at + size], "big")
            at += size
        if field == 8:
            return value
        if major == 2:
            at += value
    return None


def loop(path):
    with open(path, encoding="utf-8") as file:
        vector = json.load(file)
    method = method_of(base64.b64decode(vector["apply_messages"][0]["bytes"]))
    store = Store(Engine(Config()))
    module = Module(store.engine, kernel_module(vector))
    linker = Linker(store.engine)
    i32, i64 = ValType.i32(), ValType.i64()

    def message_context(caller, at):
        caller["memory"].write(caller, struct.pack("<Q", method), at + 32)
        return 0

    def block_create(caller, at, codec, data, length):
        return 0

    linker.define(store, "vm", "message_context",
                  Func(store, FuncType([i32], [i32]), message_context, access_caller=True))
    linker.define(store, "ipld", "block_create",
                  Func(store, FuncType([i32, i64, i32, i32], [i32]), block_create, access_caller=True))
    invoke = linker.instantiate(store, module).exports(store)["invoke"]
    rounds = vector["_meta"]["extra"]["repeat"]
    invoke(store, 0)
    start = time.process_time()
    for _ in range(rounds):
        invoke(store, 0)
    print("loop", vector["_meta"]["id"], f"{(time.process_time() - start) / rounds * 1e6:.3f}")


if sys.argv[1] == "compile":
    compile_all(sys.argv[2])
else:
    for name in sys.argv[2:]:
        loop(name)
