# Sources of the host that the SDK's library for wasm32 is made of, too.
set(FVM_SDK_SHARED_SOURCES)
foreach(name base/buf base/text base/varint ipld/amt ipld/amt_node ipld/bitfield ipld/cbor_item
        ipld/cbor_links ipld/cbor_read ipld/cbor_write ipld/cid ipld/hamt ipld/hamt_node ipld/kamt
        ipld/kamt_node ipld/slotset kernel/address)
  list(APPEND FVM_SDK_SHARED_SOURCES ${CMAKE_SOURCE_DIR}/src/${name}.c)
endforeach()
