// SPDX-License-Identifier: MIT
// r2d2 with a manager that does nothing: threads borrow a connection and drop
// it, with as many connections open as there may be.
use r2d2::{ManageConnection, Pool};
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

struct Nothing;
struct Connection;

/// Says yes to everything. The pool asks is_valid at each borrow, as it does
/// where nobody has told it not to.
impl ManageConnection for Nothing {
    type Connection = Connection;
    type Error = Infallible;

    fn connect(&self) -> Result<Connection, Infallible> {
        Ok(Connection)
    }

    fn is_valid(&self, _: &mut Connection) -> Result<(), Infallible> {
        Ok(())
    }

    fn has_broken(&self, _: &mut Connection) -> bool {
        false
    }
}

/// Aligned, so that counters share no line.
#[derive(Default)]
#[repr(align(128))]
struct Counter {
    pairs: AtomicU64,
}

fn spend(length: Duration) {
    let from = Instant::now();
    while from.elapsed() < length {}
}

fn borrow(
    pool: &Pool<Nothing>,
    hold: Duration,
    stop: &AtomicBool,
    mine: &Counter,
) {
    while !stop.load(Relaxed) {
        let connection = pool.get().unwrap_or_else(|error| {
            eprintln!("{error}");
            std::process::exit(1)
        });
        if !hold.is_zero() {
            spend(hold);
        }
        drop(connection);
        mine.pairs.store(mine.pairs.load(Relaxed) + 1, Relaxed);
    }
}

fn read(counters: &[Counter]) -> Vec<u64> {
    counters.iter().map(|one| one.pairs.load(Relaxed)).collect()
}

fn measure(
    name: &str,
    threads: usize,
    sessions: u32,
    hold: Duration,
    window: Duration,
) {
    let pool = Pool::builder()
        .max_size(sessions)
        .build(Nothing)
        .expect("connects");
    let counters: Vec<Counter> =
        (0..threads).map(|_| Counter::default()).collect();
    let stop = AtomicBool::new(false);
    let (pairs, took) = scope(|crew| {
        for mine in &counters {
            let (pool, stop) = (&pool, &stop);
            crew.spawn(move || borrow(pool, hold, stop, mine));
        }
        sleep(window / 6);
        let (before, from) = (read(&counters), Instant::now());
        sleep(window);
        let (after, took) = (read(&counters), from.elapsed());
        stop.store(true, Relaxed);
        let pairs: Vec<u64> =
            after.iter().zip(&before).map(|(a, b)| a - b).collect();
        (pairs, took)
    });
    tell(name, &pairs, took);
}

fn tell(name: &str, pairs: &[u64], took: Duration) {
    let all = pairs.iter().sum::<u64>().max(1) as f64;
    let fewest = *pairs.iter().min().expect("threads") as f64;
    let most = (*pairs.iter().max().expect("threads")).max(1) as f64;
    println!(
        "{{\"name\": \"{name}\", \"ns\": {:.6}, \"pairs_per_s\": {:.6}, \"fairness\": {:.6}}}",
        took.as_nanos() as f64 / all,
        all / took.as_secs_f64(),
        fewest / most
    );
}

fn main() {
    let ms = std::env::var("DEWPOND_BENCH_WINDOW_MS")
        .ok()
        .and_then(|text| text.parse().ok())
        .filter(|&ms| ms > 0)
        .unwrap_or(300);
    let window = Duration::from_millis(ms);
    for threads in [1, 2, 4, 8, 16, 64] {
        let name = format!("acquire_idle/r2d2/threads:{threads}/sessions:64");
        measure(&name, threads, 64, Duration::ZERO, window);
    }
    for threads in [16, 64] {
        for (hold, us) in [("0", 0), ("1us", 1), ("50us", 50)] {
            let name = format!(
                "acquire_crowded/r2d2/threads:{threads}/sessions:4/hold:{hold}"
            );
            measure(&name, threads, 4, Duration::from_micros(us), window);
        }
    }
}
