//! The work of bench_ipld.c on the reference's crates; prints lines of the same form.
use fvm_ipld_amt::Amt;
use fvm_ipld_blockstore::MemoryBlockstore;
use fvm_ipld_hamt::{BytesKey, Hamt};

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
    drop(hamt);
    report("hamt", "update", n, UPDATES, start);
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
    drop(amt);
    report("amt", "update", n, UPDATES, start);
}

fn main() {
    let max: u64 = std::env::args().nth(1).map_or(1_000_000, |a| a.parse().unwrap());
    let mut n = 1000;
    while n <= max {
        let store = MemoryBlockstore::default();
        bench_hamt(&store, n);
        bench_amt(&store, n);
        n *= 10;
    }
}
