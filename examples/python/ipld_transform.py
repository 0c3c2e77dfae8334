#!/usr/bin/env python3
"""The same as ipld_transform.c, from Python by ctypes: store an IPLD DAG, run an actor over it.

    python3 ipld_transform.py libfvm.so upper_actor.wasm hello world
"""
import ctypes as c
import sys


class Bytes(c.Structure):
    _fields_ = [("ptr", c.c_char_p), ("len", c.c_size_t)]


class Buf(c.Structure):
    _fields_ = [("ptr", c.POINTER(c.c_ubyte)), ("len", c.c_size_t), ("cap", c.c_size_t),
                ("alloc", c.c_void_p)]


class Cid(c.Structure):
    _fields_ = [("codec", c.c_uint64), ("hash", c.c_uint64), ("version", c.c_uint8),
                ("digest_len", c.c_uint8), ("digest", c.c_uint8 * 64)]


class Blockstore(c.Structure):
    _fields_ = [("ops", c.c_void_p), ("self", c.c_void_p)]


class Sandbox(c.Structure):
    _fields_ = [("network_version", c.c_uint32), ("code", Cid), ("root", Cid),
                ("method", c.c_uint64), ("params", Bytes), ("gas_limit", c.c_uint64),
                ("timestamp", c.c_uint64), ("epoch", c.c_int64), ("externs", c.c_void_p),
                ("trace", c.c_void_p)]


class Big(c.Structure):
    _fields_ = [("limb", c.c_uint64 * 18), ("count", c.c_uint8), ("negative", c.c_bool)]


class Receipt(c.Structure):
    _fields_ = [("exit_code", c.c_uint32), ("gas_used", c.c_uint64), ("return_data", Buf),
                ("has_return_codec", c.c_bool), ("return_codec", c.c_uint64),
                ("has_events_root", c.c_bool), ("events_root", Cid), ("events", Buf),
                ("event_count", c.c_size_t), ("penalty", Big), ("miner_tip", Big),
                ("base_fee_burn", Big), ("over_estimation_burn", Big), ("refund", Big),
                ("gas_refund", c.c_uint64), ("gas_burned", c.c_uint64), ("failure", c.c_char_p)]


RAW, DAG_CBOR = 0x55, 0x71


class Library:
    """The few functions that this example needs; each error becomes an exception."""

    def __init__(self, path):
        self.lib = c.CDLL(path)
        self.lib.fvm_err_text.restype = c.c_char_p

    def __call__(self, name, *args):
        err = getattr(self.lib, name)(*args)
        if err:
            raise RuntimeError(f"{name}: {self.lib.fvm_err_text(err).decode()}")

    def put(self, store, codec, data):
        cid = Cid()
        self("fvm_blockstore_put_new", c.byref(store), c.byref(cid), c.c_uint64(codec),
             Bytes(data, len(data)))
        return cid

    def get(self, store, cid):
        buf = Buf()
        self.lib.fvm_buf_init(c.byref(buf), None)
        self("fvm_blockstore_get", c.byref(store), c.byref(buf), c.byref(cid))
        data = bytes(buf.ptr[:buf.len])
        self.lib.fvm_buf_deinit(c.byref(buf))
        return data

    def cid_bytes(self, cid):
        room = c.create_string_buffer(128)
        self.lib.fvm_cid_write.restype = c.c_size_t
        length = self.lib.fvm_cid_write(room, c.byref(cid))
        return room.raw[:length]

    def cid_text(self, cid):
        room = c.create_string_buffer(160)
        self.lib.fvm_cid_to_text(room, c.byref(cid))
        return room.value.decode()


def link(cid_bytes):
    return b"\xd8\x2a\x58" + bytes([len(cid_bytes) + 1, 0]) + cid_bytes


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    fvm = Library(sys.argv[1])
    wasm = open(sys.argv[2], "rb").read()
    words = [w.encode() for w in sys.argv[3:]]

    store, engine, context = Blockstore(), c.c_void_p(), c.c_void_p()
    fvm("fvm_blockstore_memory_new", c.byref(store), None)
    links = [link(fvm.cid_bytes(fvm.put(store, RAW, w))) for w in words]
    run = Sandbox(code=fvm.put(store, RAW, wasm),
                  root=fvm.put(store, DAG_CBOR, bytes([0x80 + len(words)]) + b"".join(links)))

    fvm("fvm_engine_new", c.byref(engine), None)
    fvm("fvm_context_new", c.byref(context), engine, None)
    receipt, root = Receipt(), Cid()
    fvm.lib.fvm_receipt_init(c.byref(receipt), None)
    fvm("fvm_sandbox_run", context, c.byref(root), c.byref(receipt), c.byref(store), c.byref(run))
    print(f"exit {receipt.exit_code}, gas {receipt.gas_used}, root {fvm.cid_text(root)}")
    listed = fvm.get(store, root)
    for at in range(6, len(listed), 43):
        cid = Cid()
        raw = listed[at:at + 38]
        fvm("fvm_cid_read", c.byref(cid), None, Bytes(raw, len(raw)))
        print(" ", fvm.get(store, cid).decode())

    fvm.lib.fvm_receipt_deinit(c.byref(receipt))
    fvm.lib.fvm_context_free(context)
    fvm.lib.fvm_engine_free(engine)
    fvm.lib.fvm_blockstore_free(c.byref(store))


if __name__ == "__main__":
    main()
