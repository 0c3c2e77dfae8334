//! A table of names in a HAMT, kept by the published crate over the SDK's blocks. Its state is the
//! HAMT's root.
//!
//! | method | params | does |
//! | --- | --- | --- |
//! | 1 | - | makes an empty table |
//! | 2 | `[name, n]` | sets; emits `{set: name, value: n}` (the value as CBOR) |
//! | 3 | `name` | gives n; exit 17 when there is none |
//! | 4 | `name` | deletes; gives whether it was there |
//! | 5 | `[from, to]` | sets the names "k<i>" to i |
//! | 6 | `[id, method, n or nil, value, read only]` | sends; gives `[exit code, returned bytes]` |
//! | 7 | bytes (raw) | gives `[sha2-256, keccak-256, blake2b-256]` of them |
//! | 8 | - | gives `[caller, receiver, epoch, timestamp, chain id, read only]` |
//! | 9 | - | allocates without end |
use cid::Cid;
use fvm_ipld_blockstore::{Block, Blockstore};
use fvm_ipld_encoding::ipld_block::IpldBlock;
use fvm_ipld_encoding::{to_vec, BytesSer, DAG_CBOR, IPLD_RAW};
use fvm_ipld_hamt::{BytesKey, Hamt};
use fvm_sdk as sdk;
use fvm_shared::address::Address;
use fvm_shared::crypto::hash::SupportedHashes;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use fvm_shared::event::{ActorEvent, Entry, Flags};
use fvm_shared::sys::SendFlags;
use multihash_codetable::Code;
use serde::de::DeserializeOwned;

/// Blocks through the syscalls; the host hashes.
struct Blocks;

impl Blockstore for Blocks {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(Some(sdk::ipld::get(cid)?))
    }

    fn put_keyed(&self, cid: &Cid, block: &[u8]) -> anyhow::Result<()> {
        let code = Code::try_from(cid.hash().code())?;
        let made = self.put(code, &Block::new(cid.codec(), block))?;
        anyhow::ensure!(&made == cid, "another CID");
        Ok(())
    }

    fn put<D: AsRef<[u8]>>(&self, code: Code, block: &Block<D>) -> anyhow::Result<Cid> {
        Ok(sdk::ipld::put(code.into(), 32, block.codec, block.data.as_ref())?)
    }
}

type Table = Hamt<Blocks, u64>;

fn abort(code: ExitCode, why: &str) -> ! {
    sdk::vm::abort(code.value(), Some(why))
}

fn load() -> Table {
    let root = sdk::sself::root().unwrap();
    match Table::load_with_bit_width(&root, Blocks, 5) {
        Ok(table) => table,
        Err(_) => abort(ExitCode::USR_ILLEGAL_STATE, "no table"),
    }
}

fn save(table: &mut Table) {
    let root = table.flush().unwrap();
    if sdk::sself::set_root(&root).is_err() {
        abort(ExitCode::USR_READ_ONLY, "the state cannot be changed");
    }
}

fn raw_params(block: u32) -> IpldBlock {
    match sdk::message::params_raw(block).unwrap() {
        Some(params) => params,
        None => abort(ExitCode::USR_ILLEGAL_ARGUMENT, "parameters are wanted"),
    }
}

fn params<T: DeserializeOwned>(block: u32) -> T {
    match raw_params(block).deserialize() {
        Ok(value) => value,
        Err(_) => abort(ExitCode::USR_SERIALIZATION, "parameters of another form"),
    }
}

fn give<T: serde::Serialize>(value: &T) -> u32 {
    sdk::ipld::put_block(DAG_CBOR, &to_vec(value).unwrap()).unwrap()
}

fn key(name: &str) -> BytesKey {
    BytesKey(name.as_bytes().to_vec())
}

fn set(block: u32) -> u32 {
    let (name, n): (String, u64) = params(block);
    let mut table = load();
    table.set(key(&name), n).unwrap();
    save(&mut table);
    let entry = |key: &str, flags, codec, value| Entry { flags, key: key.into(), codec, value };
    let event = ActorEvent::from(vec![
        entry("set", Flags::FLAG_INDEXED_ALL, IPLD_RAW, name.into_bytes()),
        entry("value", Flags::FLAG_INDEXED_KEY, 0x51, to_vec(&n).unwrap()),
    ]);
    sdk::event::emit_event(&event).unwrap();
    0
}

fn get(block: u32) -> u32 {
    let name: String = params(block);
    match load().get(&key(&name)).unwrap() {
        Some(n) => give(n),
        None => abort(ExitCode::USR_NOT_FOUND, "no such name"),
    }
}

fn delete(block: u32) -> u32 {
    let name: String = params(block);
    let mut table = load();
    let was_there = table.delete(&key(&name)).unwrap().is_some();
    save(&mut table);
    give(&was_there)
}

fn fill(block: u32) -> u32 {
    let (from, to): (u64, u64) = params(block);
    let mut table = load();
    for i in from..to {
        table.set(key(&format!("k{i}")), i).unwrap();
    }
    save(&mut table);
    0
}

fn send(block: u32) -> u32 {
    let (id, method, n, value, read_only): (u64, u64, Option<u64>, u64, bool) = params(block);
    let params = n.map(|n| IpldBlock::serialize(DAG_CBOR, &n).unwrap());
    let flags = if read_only { SendFlags::READ_ONLY } else { SendFlags::empty() };
    let value = TokenAmount::from_atto(value);
    match sdk::send::send(&Address::new_id(id), method, params, value, None, flags) {
        Ok(response) => {
            let data = response.return_data.map_or(Vec::new(), |b| b.data);
            give(&(response.exit_code.value(), BytesSer(&data)))
        }
        Err(number) => sdk::vm::abort(200 + number as u32, Some("the send was refused")),
    }
}

fn hash(block: u32) -> u32 {
    let data = raw_params(block).data;
    let sha = sdk::crypto::hash_owned(SupportedHashes::Sha2_256, &data);
    let keccak = sdk::crypto::hash_owned(SupportedHashes::Keccak256, &data);
    let blake = sdk::crypto::hash_blake2b(&data);
    give(&(BytesSer(&sha), BytesSer(&keccak), BytesSer(&blake)))
}

fn context() -> u32 {
    give(&(
        sdk::message::caller(),
        sdk::message::receiver(),
        sdk::network::curr_epoch(),
        sdk::network::tipset_timestamp(),
        u64::from(sdk::network::chain_id()),
        sdk::vm::read_only(),
    ))
}

#[no_mangle]
pub fn invoke(block: u32) -> u32 {
    sdk::initialize();
    match sdk::message::method_number() {
        1 => {
            save(&mut Table::new_with_bit_width(Blocks, 5));
            0
        }
        2 => set(block),
        3 => get(block),
        4 => delete(block),
        5 => fill(block),
        6 => send(block),
        7 => hash(block),
        8 => context(),
        9 => {
            let mut all: Vec<Vec<u8>> = Vec::new();
            loop {
                all.push(vec![1; 1 << 20]);
            }
        }
        _ => abort(ExitCode::USR_UNHANDLED_MESSAGE, "no such method"),
    }
}
