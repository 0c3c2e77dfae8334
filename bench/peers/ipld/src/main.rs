//! The work of bench_ipld.c on the reference's crates; prints lines of the same form.
use fvm_ipld_amt::Amt;
use fvm_ipld_blockstore::MemoryBlockstore;
use fvm_ipld_hamt::{BytesKey, Hamt};
use fvm_ipld_kamt::{AsHashedKey, Config, HashedKey, Kamt};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};
use std::borrow::Cow;

const UPDATES: u64 = 1000;

fn cpu_ns() -> f64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut t) };
    t.tv_sec as f64 * 1e9 + t.tv_nsec as f64
}

fn report(what: &str, operation: &str, n: u64, count: u64, start: f64) {
    println!("{what} {operation} {n} {:.1}", (cpu_ns() - start) / count as f64);
}

fn key(i: u64) -> BytesKey {
    BytesKey(i.wrapping_mul(0x9e3779b97f4a7c15).to_le_bytes().to_vec())
}

fn bench_hamt(store: &MemoryBlockstore, n: u64) {
    let start = cpu_ns();
    let mut hamt: Hamt<_, u64> = Hamt::new_with_bit_width(store, 5);
    for i in 0..n {
        hamt.set(key(i), i).unwrap();
    }
    let root = hamt.flush().unwrap();
    drop(hamt);
    report("hamt", "build", n, n, start);

    let start = cpu_ns();
    let hamt: Hamt<_, u64> = Hamt::load_with_bit_width(&root, store, 5).unwrap();
    for i in 0..n {
        assert_eq!(hamt.get(&key(i)).unwrap(), Some(&i));
    }
    drop(hamt);
    report("hamt", "lookup", n, n, start);

    let start = cpu_ns();
    let mut hamt: Hamt<_, u64> = Hamt::load_with_bit_width(&root, store, 5).unwrap();
    for i in 0..UPDATES {
        let at = i * 7919 % n;
        hamt.set(key(at), at + 1 + n).unwrap();
        if i % 10 == 9 {
            hamt.flush().unwrap();
        }
    }
    let last = hamt.flush().unwrap();
    drop(hamt);
    report("hamt", "update", n, UPDATES, start);
    println!("hamt root {n} {last}");
}

fn bench_amt(store: &MemoryBlockstore, n: u64) {
    let start = cpu_ns();
    let mut amt: Amt<u64, _> = Amt::new_with_bit_width(store, 5);
    for i in 0..n {
        amt.set(i, i).unwrap();
    }
    let root = amt.flush().unwrap();
    drop(amt);
    report("amt", "build", n, n, start);

    let start = cpu_ns();
    let amt: Amt<u64, _> = Amt::load(&root, store).unwrap();
    for i in 0..n {
        assert_eq!(amt.get(i).unwrap(), Some(&i));
    }
    drop(amt);
    report("amt", "lookup", n, n, start);

    let start = cpu_ns();
    let mut amt: Amt<u64, _> = Amt::load(&root, store).unwrap();
    for i in 0..UPDATES {
        let at = i * 7919 % n;
        amt.set(at, at + 1 + n).unwrap();
        if i % 10 == 9 {
            amt.flush().unwrap();
        }
    }
    let last = amt.flush().unwrap();
    drop(amt);
    report("amt", "update", n, UPDATES, start);
    println!("amt root {n} {last}");
}

/// A key of the KAMT: as EVM storage has them, a byte string without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Slot([u8; 32]);

impl Serialize for Slot {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let zeros = self.0.iter().take_while(|b| **b == 0).count();
        s.serialize_bytes(&self.0[zeros..])
    }
}

struct SlotVisitor;

impl Visitor<'_> for SlotVisitor {
    type Value = Slot;
    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("at most 32 bytes")
    }
    fn visit_bytes<E: Error>(self, v: &[u8]) -> Result<Slot, E> {
        let mut key = [0; 32];
        let at = 32usize.checked_sub(v.len()).ok_or_else(|| E::custom("too long"))?;
        key[at..].copy_from_slice(v);
        Ok(Slot(key))
    }
}

impl<'de> Deserialize<'de> for Slot {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Slot, D::Error> {
        d.deserialize_bytes(SlotVisitor)
    }
}

struct AsIs;

impl AsHashedKey<Slot, 32> for AsIs {
    fn as_hashed_key(key: &Slot) -> Cow<'_, HashedKey<32>> {
        Cow::Borrowed(&key.0)
    }
}

/// Four words of splitmix64, as in bench_ipld.c.
fn slot(i: u64) -> Slot {
    let mut key = [0; 32];
    for word in 0..4u64 {
        let mut z = i.wrapping_mul(4).wrapping_add(word + 1).wrapping_mul(0x9e3779b97f4a7c15);
        z = (z ^ z >> 30).wrapping_mul(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d049bb133111eb);
        z ^= z >> 31;
        key[word as usize * 8..][..8].copy_from_slice(&z.to_le_bytes());
    }
    Slot(key)
}

type Slots<'a> = Kamt<&'a MemoryBlockstore, Slot, u64, AsIs>;

fn bench_kamt(store: &MemoryBlockstore, n: u64) {
    let config = Config { bit_width: 5, min_data_depth: 0, max_array_width: 1 };
    let start = cpu_ns();
    let mut kamt = Slots::new_with_config(store, config.clone());
    for i in 0..n {
        kamt.set(slot(i), i).unwrap();
    }
    let root = kamt.flush().unwrap();
    drop(kamt);
    report("kamt", "build", n, n, start);

    let start = cpu_ns();
    let kamt = Slots::load_with_config(&root, store, config.clone()).unwrap();
    for i in 0..n {
        assert_eq!(kamt.get(&slot(i)).unwrap(), Some(&i));
    }
    drop(kamt);
    report("kamt", "lookup", n, n, start);

    let start = cpu_ns();
    let mut kamt = Slots::load_with_config(&root, store, config).unwrap();
    for i in 0..UPDATES {
        let at = i * 7919 % n;
        kamt.set(slot(at), at + 1 + n).unwrap();
        if i % 10 == 9 {
            kamt.flush().unwrap();
        }
    }
    let last = kamt.flush().unwrap();
    drop(kamt);
    report("kamt", "update", n, UPDATES, start);
    println!("kamt root {n} {last}");
}

fn main() {
    let max: u64 = std::env::args().nth(1).map_or(1_000_000, |a| a.parse().unwrap());
    let mut n = 1000;
    while n <= max {
        let store = MemoryBlockstore::default();
        bench_hamt(&store, n);
        bench_amt(&store, n);
        bench_kamt(&store, n);
        n *= 10;
    }
}
