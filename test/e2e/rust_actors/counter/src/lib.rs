//! A counter: its state is the CBOR tuple `[count, last caller]`.
//!
//! | method | params | does |
//! | --- | --- | --- |
//! | 1 | - | makes the state |
//! | 2 | `n` | adds n, checked; gives the new count |
//! | 3 | - | gives `[count, last caller, value received, own balance]` |
//! | 4 | `code` | changes the state, then exits with that code and its own count as data |
//! | 5 | - | panics |
use fvm_ipld_encoding::ipld_block::IpldBlock;
use fvm_ipld_encoding::tuple::{serde_tuple, Deserialize_tuple, Serialize_tuple};
use fvm_ipld_encoding::{from_slice, to_vec, DAG_CBOR};
use fvm_sdk as sdk;
use fvm_shared::error::ExitCode;
use multihash_codetable::Code;
use num_traits::ToPrimitive;

#[derive(Serialize_tuple, Deserialize_tuple)]
struct State {
    count: u64,
    last_caller: u64,
}

fn abort(code: ExitCode, why: &str) -> ! {
    sdk::vm::abort(code.value(), Some(why))
}

impl State {
    fn load() -> State {
        let root = sdk::sself::root().unwrap();
        match from_slice(&sdk::ipld::get(&root).unwrap()) {
            Ok(state) => state,
            Err(_) => abort(ExitCode::USR_ILLEGAL_STATE, "no state"),
        }
    }

    fn save(&self) {
        let block = to_vec(self).unwrap();
        let cid = sdk::ipld::put(Code::Blake2b256.into(), 32, DAG_CBOR, &block).unwrap();
        if sdk::sself::set_root(&cid).is_err() {
            abort(ExitCode::USR_READ_ONLY, "the state cannot be changed");
        }
    }
}

fn param(block: u32) -> u64 {
    let params = sdk::message::params_raw(block).unwrap();
    match params.map(|p| p.deserialize::<u64>()) {
        Some(Ok(n)) => n,
        Some(Err(_)) => abort(ExitCode::USR_SERIALIZATION, "a number is wanted"),
        None => abort(ExitCode::USR_ILLEGAL_ARGUMENT, "a parameter is wanted"),
    }
}

fn give<T: serde::Serialize>(value: &T) -> u32 {
    sdk::ipld::put_block(DAG_CBOR, &to_vec(value).unwrap()).unwrap()
}

#[no_mangle]
pub fn invoke(params: u32) -> u32 {
    sdk::initialize();
    match sdk::message::method_number() {
        1 => {
            State { count: 0, last_caller: sdk::message::caller() }.save();
            0
        }
        2 => {
            let mut state = State::load();
            state.count = match state.count.checked_add(param(params)) {
                Some(count) => count,
                None => abort(ExitCode::new(100), "the count overflows"),
            };
            state.last_caller = sdk::message::caller();
            state.save();
            give(&state.count)
        }
        3 => {
            let state = State::load();
            let value = sdk::message::value_received().atto().to_u64().unwrap();
            let balance = sdk::sself::current_balance().atto().to_u64().unwrap();
            give(&(state.count, state.last_caller, value, balance))
        }
        4 => {
            let code = param(params) as u32;
            let mut state = State::load();
            state.count += 1000;
            state.save();
            let data = IpldBlock::serialize(DAG_CBOR, &state.count).unwrap();
            sdk::vm::exit(code, Some(data), Some("as asked"))
        }
        5 => panic!("as asked"),
        _ => abort(ExitCode::USR_UNHANDLED_MESSAGE, "no such method"),
    }
}
