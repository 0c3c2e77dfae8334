// Guarded memory in a Go program: the actor's accesses out of bounds are traps, with the gas that
// bounds checks give, while nil dereferences in Go are panics that can be recovered from, on threads
// that do both in turn.
//
//	go run . wild_actor.wasm
package main

// #cgo pkg-config: fvm
// #include <stdlib.h>
// #include <fvm/fvm.h>
// static fvm_bytes view(void *ptr, size_t len) { return (fvm_bytes){ ptr, len }; }
import "C"

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"unsafe"
)

const (
	threads = 4
	rounds  = 200
)

func must(err C.fvm_err, what string) {
	if err != C.FVM_ERR_OK {
		panic(what + ": " + C.GoString(C.fvm_err_text(err)))
	}
}

type point struct{ x, y [4096]int }

//go:noinline
func derefer(p *point) int { return p.y[1] }

func goFault() (recovered bool) {
	defer func() { recovered = recover() != nil }()
	derefer(nil)
	return false
}

func put(bs *C.fvm_blockstore, codec C.uint64_t, data []byte) (cid C.fvm_cid) {
	ptr := C.CBytes(data)
	defer C.free(ptr)
	must(C.fvm_blockstore_put_new(bs, &cid, codec, C.view(ptr, C.size_t(len(data)))), "put")
	return cid
}

// trap runs the actor once: exit code and gas.
func trap(context *C.fvm_context, wasm []byte) (uint32, uint64) {
	var bs C.fvm_blockstore
	var receipt C.fvm_receipt
	var run C.fvm_sandbox
	var root C.fvm_cid
	must(C.fvm_blockstore_memory_new(&bs, nil), "store")
	defer C.fvm_blockstore_free(&bs)
	C.fvm_receipt_init(&receipt, nil)
	defer C.fvm_receipt_deinit(&receipt)
	run.code = put(&bs, C.FVM_CODEC_RAW, wasm)
	run.root = put(&bs, C.FVM_CODEC_DAG_CBOR, []byte{0x80})
	must(C.fvm_sandbox_run(context, &root, &receipt, &bs, &run), "run")
	return uint32(receipt.exit_code), uint64(receipt.gas_used)
}

func newEngine(memory C.fvm_engine_memory) (engine *C.fvm_engine) {
	config := (*C.fvm_engine_config)(C.calloc(1, C.size_t(unsafe.Sizeof(C.fvm_engine_config{}))))
	defer C.free(unsafe.Pointer(config))
	config.memory = memory
	must(C.fvm_engine_new_with(&engine, config, nil), "engine")
	return engine
}

func main() {
	wasm, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	if !goFault() {
		panic("no panic before")
	}
	checked := newEngine(C.FVM_ENGINE_MEMORY_CHECKED)
	guarded := newEngine(C.FVM_ENGINE_MEMORY_GUARDED)
	var context *C.fvm_context
	must(C.fvm_context_new(&context, checked, nil), "context")
	wantExit, wantGas := trap(context, wasm)
	C.fvm_context_free(context)

	// Go's own use of signals goes on
	others := make(chan os.Signal, 1)
	signal.Notify(others, syscall.SIGUSR1)

	var group sync.WaitGroup
	var lock sync.Mutex
	bad := 0
	for t := 0; t < threads; t++ {
		group.Add(1)
		go func() {
			defer group.Done()
			runtime.LockOSThread()
			var context *C.fvm_context
			must(C.fvm_context_new(&context, guarded, nil), "context")
			defer C.fvm_context_free(context)
			for i := 0; i < rounds; i++ {
				exit, gas := trap(context, wasm)
				if exit != wantExit || gas != wantGas || !goFault() {
					lock.Lock()
					bad++
					lock.Unlock()
				}
			}
		}()
	}
	group.Wait()
	_ = syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	<-others
	C.fvm_engine_free(guarded)
	C.fvm_engine_free(checked)
	fmt.Printf("exit %d, %d of %d wrong\n", wantExit, bad, threads*rounds)
}
