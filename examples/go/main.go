// The same as ipld_transform.c, from Go by cgo: store an IPLD DAG, run an actor over it.
//
//	PKG_CONFIG_PATH=... go run . upper_actor.wasm hello world
package main

// #cgo pkg-config: fvm
// #include <stdlib.h>
// #include <fvm/fvm.h>
// static fvm_bytes view(void *ptr, size_t len) { return (fvm_bytes){ ptr, len }; }
import "C"

import (
	"fmt"
	"os"
	"unsafe"
)

func must(err C.fvm_err, what string) {
	if err != C.FVM_ERR_OK {
		fmt.Fprintf(os.Stderr, "%s: %s\n", what, C.GoString(C.fvm_err_text(err)))
		os.Exit(1)
	}
}

// put stores a block; its bytes are copied to C memory for the call.
func put(bs *C.fvm_blockstore, codec C.uint64_t, data []byte) (cid C.fvm_cid) {
	ptr := C.CBytes(data)
	defer C.free(ptr)
	must(C.fvm_blockstore_put_new(bs, &cid, codec, C.view(ptr, C.size_t(len(data)))), "put")
	return cid
}

func get(bs *C.fvm_blockstore, cid *C.fvm_cid) []byte {
	var buf C.fvm_buf
	C.fvm_buf_init(&buf, nil)
	defer C.fvm_buf_deinit(&buf)
	must(C.fvm_blockstore_get(bs, &buf, cid), "get")
	return C.GoBytes(unsafe.Pointer(buf.ptr), C.int(buf.len))
}

func cidBytes(cid *C.fvm_cid) []byte {
	room := make([]byte, C.FVM_CID_BYTES_MAX)
	return room[:C.fvm_cid_write((*C.uint8_t)(&room[0]), cid)]
}

func cidText(cid *C.fvm_cid) string {
	room := make([]byte, C.FVM_CID_TEXT_MAX)
	n := C.fvm_cid_to_text((*C.char)(unsafe.Pointer(&room[0])), cid)
	return string(room[:n])
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: ipldtransform ACTOR.wasm WORD...")
		os.Exit(2)
	}
	wasm, err := os.ReadFile(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var bs C.fvm_blockstore
	must(C.fvm_blockstore_memory_new(&bs, nil), "store")
	defer C.fvm_blockstore_free(&bs)

	words := os.Args[2:]
	list := []byte{byte(0x80 + len(words))}
	for _, word := range words {
		leaf := put(&bs, C.FVM_CODEC_RAW, []byte(word))
		cid := cidBytes(&leaf)
		list = append(list, 0xd8, 0x2a, 0x58, byte(len(cid)+1), 0)
		list = append(list, cid...)
	}

	var engine *C.fvm_engine
	var context *C.fvm_context
	must(C.fvm_engine_new(&engine, nil), "engine")
	defer C.fvm_engine_free(engine)
	must(C.fvm_context_new(&context, engine, nil), "context")
	defer C.fvm_context_free(context)

	var receipt C.fvm_receipt
	C.fvm_receipt_init(&receipt, nil)
	defer C.fvm_receipt_deinit(&receipt)
	var run C.fvm_sandbox
	run.code = put(&bs, C.FVM_CODEC_RAW, wasm)
	run.root = put(&bs, C.FVM_CODEC_DAG_CBOR, list)
	var root C.fvm_cid
	must(C.fvm_sandbox_run(context, &root, &receipt, &bs, &run), "run")
	fmt.Printf("exit %d, gas %d, root %s\n", receipt.exit_code, receipt.gas_used, cidText(&root))

	listed := get(&bs, &root)
	for at := 6; at < len(listed); at += 43 {
		var cid C.fvm_cid
		ptr := C.CBytes(listed[at:])
		must(C.fvm_cid_read(&cid, nil, C.view(ptr, C.size_t(len(listed)-at))), "link")
		C.free(ptr)
		fmt.Printf("  %s\n", get(&bs, &cid))
	}
}
