//! The reference on the bench vectors and on the actors of a bundle; CPU time of the process.
//!   fvm-peer messages BUNDLE.car FILE.json...   a line per file: "message ID MICROSECONDS NS_PER_GAS"
//!   fvm-peer compile BUNDLE.car                 "compile BYTES SECONDS PEAK_KIB"
//! Every actor is compiled, and each file applied once by a machine of its own, before time is taken.
//! Gas and state root are compared with the file's; exit code 1 if they differ.
use anyhow::{Context, Result, anyhow, bail};
use base64::Engine as _;
use cid::Cid;
use fvm::call_manager::DefaultCallManager;
use fvm::engine::MultiEngine;
use fvm::executor::{ApplyKind, DefaultExecutor, Executor};
use fvm::externs::{Chain, Consensus, Externs, Rand};
use fvm::kernel::filecoin::DefaultFilecoinKernel;
use fvm::machine::{DefaultMachine, Manifest, NetworkConfig};
use fvm_ipld_blockstore::{Blockstore, MemoryBlockstore};
use fvm_ipld_encoding::{CborStore, from_slice, to_vec};
use fvm_shared::bigint::BigInt;
use fvm_shared::consensus::ConsensusFault;
use fvm_shared::econ::TokenAmount;
use fvm_shared::message::Message;
use fvm_shared::version::NetworkVersion;
use serde_json::Value;
use std::io::Read;
use std::str::FromStr;

/// A node without answers: no bench vector asks anything.
struct NoNode;
impl Externs for NoNode {}
impl Rand for NoNode {
    fn get_chain_randomness(&self, _: i64) -> Result<[u8; 32]> {
        bail!("not asked")
    }
    fn get_beacon_randomness(&self, _: i64) -> Result<[u8; 32]> {
        bail!("not asked")
    }
}
impl Consensus for NoNode {
    fn verify_consensus_fault(&self, _: &[u8], _: &[u8], _: &[u8]) -> Result<(Option<ConsensusFault>, i64)> {
        bail!("not asked")
    }
}
impl Chain for NoNode {
    fn get_tipset_cid(&self, _: i64) -> Result<Cid> {
        bail!("not asked")
    }
}

type Machine = DefaultMachine<MemoryBlockstore, NoNode>;
type Peer = DefaultExecutor<DefaultFilecoinKernel<DefaultCallManager<Machine>>>;

fn cpu_seconds() -> f64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut t) };
    t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
}

fn peak_kib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).context("no VmHWM")?;
    Ok(line.split_whitespace().nth(1).context("VmHWM without a number")?.parse()?)
}

fn text<'a>(v: &'a Value, path: &str) -> Result<&'a str> {
    v.pointer(path).and_then(Value::as_str).ok_or_else(|| anyhow!("{path} is missing"))
}

fn number(v: &Value, path: &str) -> Result<u64> {
    v.pointer(path).and_then(Value::as_u64).ok_or_else(|| anyhow!("{path} is missing"))
}

fn amount(v: &Value, path: &str) -> Result<TokenAmount> {
    let n = v.pointer(path).and_then(Value::as_number).ok_or_else(|| anyhow!("{path} is missing"))?;
    Ok(TokenAmount::from_atto(BigInt::from_str(&n.to_string())?))
}

fn bytes(v: &Value, path: &str) -> Result<Vec<u8>> {
    Ok(base64::engine::general_purpose::STANDARD.decode(text(v, path)?)?)
}

fn load_bundle(path: &str, store: &MemoryBlockstore) -> Result<Vec<Cid>> {
    fvm_ipld_car::load_car_unchecked(store, std::fs::File::open(path).context(path.to_owned())?).map_err(|e| anyhow!("{e}"))
}

fn executor(engines: &MultiEngine, v: &Value, bundle: &str) -> Result<Peer> {
    let store = MemoryBlockstore::new();
    if text(v, "/preconditions/bundle")? != "stub" {
        load_bundle(bundle, &store)?;
    }
    let mut car = Vec::new();
    flate2::read::GzDecoder::new(&bytes(v, "/car")?[..]).read_to_end(&mut car)?;
    fvm_ipld_car::load_car_unchecked(&store, &car[..]).map_err(|e| anyhow!("{e}"))?;
    let version = NetworkVersion::new(number(v, "/preconditions/variants/0/nv")? as u32);
    let mut network = NetworkConfig::new(version);
    network.chain_id(number(v, "/preconditions/chain_id")?.into());
    let root = Cid::from_str(text(v, "/preconditions/state_tree/root_cid/~1")?)?;
    let mut context = network.for_epoch(
        number(v, "/preconditions/variants/0/epoch")? as i64,
        number(v, "/preconditions/variants/0/timestamp")?,
        root,
    );
    context.set_base_fee(amount(v, "/preconditions/basefee")?);
    context.set_circulating_supply(amount(v, "/preconditions/circ_supply")?);
    Peer::new(engines.get(&context.network)?, DefaultMachine::new(&context, store, NoNode)?)
}

/// The least of so many runs counts: what else the machine does only adds. bench_messages.c does as much.
const RUNS: u32 = 3;

struct Figures {
    messages: u64,
    gas: u64,
    seconds: f64,
    root: Cid,
}

fn apply(engines: &MultiEngine, v: &Value, bundle: &str, rounds: u64) -> Result<Figures> {
    let mut peer = executor(engines, v, bundle)?;
    let count = v["apply_messages"].as_array().context("no messages")?.len();
    let mut figures = Figures { messages: 0, gas: 0, seconds: 0.0, root: Cid::default() };
    let start = cpu_seconds();
    for round in 0..rounds {
        for i in 0..count {
            let at = format!("/apply_messages/{i}");
            let raw = bytes(v, &format!("{at}/bytes"))?;
            let mut message: Message = from_slice(&raw)?;
            let length = number(v, &format!("{at}/chain_length"))? - raw.len() as u64;
            message.sequence += round * count as u64;
            let raw_length = to_vec(&message)?.len() + length as usize;
            let implicit = v.pointer(&format!("{at}/implicit")).and_then(Value::as_bool) == Some(true);
            let kind = if implicit { ApplyKind::Implicit } else { ApplyKind::Explicit };
            let ret = peer.execute_message(message, kind, raw_length)?;
            figures.gas += ret.msg_receipt.gas_used;
            figures.messages += 1;
        }
    }
    figures.seconds = cpu_seconds() - start;
    figures.root = peer.flush()?;
    Ok(figures)
}

/// Reading the file's text and message again for each round is our harness, not the reference: it is
/// measured apart and taken off.
fn harness_seconds(v: &Value, rounds: u64) -> Result<f64> {
    let count = v["apply_messages"].as_array().context("no messages")?.len();
    let start = cpu_seconds();
    let mut length = 0;
    for round in 0..rounds {
        for i in 0..count {
            let at = format!("/apply_messages/{i}");
            let raw = bytes(v, &format!("{at}/bytes"))?;
            let mut message: Message = from_slice(&raw)?;
            message.sequence += round;
            length += to_vec(&message)?.len() as u64 + number(v, &format!("{at}/chain_length"))?;
            std::hint::black_box(v.pointer(&format!("{at}/implicit")));
        }
    }
    std::hint::black_box(length);
    Ok(cpu_seconds() - start)
}

fn messages(bundle: &str, files: &[String]) -> Result<bool> {
    let engines = MultiEngine::new(1);
    let mut good = true;
    for file in files {
        let v: Value = serde_json::from_str(&std::fs::read_to_string(file)?)?;
        let id = text(&v, "/_meta/id")?;
        let rounds = number(&v, "/_meta/extra/repeat")?;
        apply(&engines, &v, bundle, 1)?;
        let mut figures = apply(&engines, &v, bundle, rounds)?;
        for _ in 1..RUNS {
            figures.seconds = figures.seconds.min(apply(&engines, &v, bundle, rounds)?.seconds);
        }
        let seconds = figures.seconds - harness_seconds(&v, rounds)?;
        println!(
            "message {id} {:.3} {:.5}",
            seconds * 1e6 / figures.messages as f64,
            seconds * 1e9 / figures.gas as f64
        );
        if figures.gas != number(&v, "/_meta/extra/gas_total")? {
            eprintln!("{id}: wrong gas {}", figures.gas);
            good = false;
        }
        if figures.root != Cid::from_str(text(&v, "/_meta/extra/root_after/~1")?)? {
            eprintln!("{id}: wrong root {}", figures.root);
            good = false;
        }
    }
    Ok(good)
}

fn compile(bundle: &str) -> Result<bool> {
    let store = MemoryBlockstore::new();
    let roots = load_bundle(bundle, &store)?;
    let (version, list): (u32, Cid) = store.get_cbor(roots.first().context("no root")?)?.context("no manifest")?;
    let manifest = Manifest::load(&store, &list, version)?;
    let mut size = 0;
    for code in manifest.builtin_actor_codes() {
        size += store.get(code)?.context("an actor is missing")?.len();
    }
    let engine = MultiEngine::new(1).get(&NetworkConfig::new(NetworkVersion::V27))?.acquire();
    let start = cpu_seconds();
    engine.preload_all(&store, manifest.builtin_actor_codes())?;
    println!("compile {size} {:.4} {}", cpu_seconds() - start, peak_kib()?);
    Ok(true)
}

fn run() -> Result<bool> {
    let args: Vec<String> = std::env::args().collect();
    match args.get(1).map(String::as_str) {
        Some("messages") if args.len() > 3 => messages(&args[2], &args[3..]),
        Some("compile") if args.len() == 3 => compile(&args[2]),
        _ => bail!("usage: fvm-peer messages BUNDLE.car FILE.json... | compile BUNDLE.car"),
    }
}

fn main() {
    // The reference's own executor of threads gives messages 64 MiB of stack.
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(run).expect("a thread");
    match thread.join() {
        Ok(Ok(true)) => {}
        Ok(Ok(false)) => std::process::exit(1),
        Ok(Err(e)) => {
            eprintln!("fvm-peer: {e:#}");
            std::process::exit(1)
        }
        Err(_) => std::process::exit(1),
    }
}
