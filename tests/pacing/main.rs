//! The pacer against a vendor that counts honestly: never over its limit, and hardly under it.

mod vendor;

use deskferry::pacer::{Clock, Pacer, Row};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use vendor::{Counts, Says, Vendor};

const EPOCH: &str = "2026-11-22T10:00:00Z";
/// Windows that are measured, after a first one in which the pacer meets the vendor.
const WINDOWS: f64 = 5.0;

#[derive(Clone, Debug)]
struct Setting {
    limit: u32,
    per: u32,
    counts: Counts,
    says: Says,
    latency_ms: u64,
    seed: u64,
}

#[derive(Debug)]
struct Outcome {
    ours: usize,
    refused: usize,
    /// Share of the limit that all clients together used in the measured windows.
    used: f64,
    /// Most calls sent, by us and others, in any window as the vendor counts it.
    fullest: usize,
}

fn random(seed: &mut u64) -> f64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    (*seed >> 11) as f64 / (1u64 << 53) as f64
}

fn row(s: &Setting) -> Row {
    let reset = if s.says == Says::Nothing { "" } else { "reset = 'X-Reset', " };
    let headers = format!("headers = {{ {reset}limit = 'X-Limit', remaining = 'X-Remaining' }}");
    toml::from_str(&format!("rate = '{}/{}s'\n{headers}", s.limit, s.per)).unwrap()
}

/// Runs workers that call as fast as the pacer lets them, and a second client that takes `share` of the limit
/// and heeds nothing.
fn run(s: &Setting, share: f64) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let epoch: jiff::Timestamp = EPOCH.parse().unwrap();
        let pacer = Pacer::new(vec![row(s)], 0.0, Clock::starting_at(epoch));
        let per = f64::from(s.per);
        let vendor = Vendor::new(s.limit, per, s.counts, s.says, epoch.as_second() as f64);
        let vendor = Arc::new(Mutex::new(vendor));
        let start = Instant::now();
        let end = start + Duration::from_secs_f64(per * (WINDOWS + 2.0));
        let rate = f64::from(s.limit) / per;
        let workers = (rate * s.latency_ms as f64 / 1000.0 * 3.0).ceil() as u64 + 2;
        let mut tasks = vec![];
        for worker in 0..workers {
            let (pacer, vendor, s) = (pacer.clone(), vendor.clone(), s.clone());
            let mut seed = s.seed.wrapping_mul(2_654_435_761).wrapping_add(worker * 7919 + 1) | 1;
            tasks.push(tokio::spawn(async move {
                while Instant::now() < end {
                    let permit = pacer.acquire("GET", "/x").await;
                    let mut half = || Duration::from_secs_f64(s.latency_ms as f64 * random(&mut seed) / 1000.0);
                    sleep(half()).await;
                    let answer = vendor.lock().unwrap().call(0, start.elapsed().as_secs_f64());
                    sleep(half()).await;
                    let headers =
                        answer.headers.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect();
                    pacer.observe(&permit, answer.status, &headers);
                }
            }));
        }
        if share > 0.0 {
            let vendor = vendor.clone();
            let mut seed = s.seed | 1;
            tasks.push(tokio::spawn(async move {
                while Instant::now() < end {
                    sleep(Duration::from_secs_f64(2.0 * random(&mut seed) / (rate * share))).await;
                    vendor.lock().unwrap().call(1, start.elapsed().as_secs_f64());
                }
            }));
        }
        for task in tasks {
            tokio::time::timeout(Duration::from_secs_f64(per * 20.0), task).await.expect("a worker hangs").unwrap();
        }
        let vendor = vendor.lock().unwrap();
        outcome(&vendor, s)
    })
}

fn outcome(vendor: &Vendor, s: &Setting) -> Outcome {
    let per = f64::from(s.per);
    // The first whole window, or one window's length where it rolls, is for getting to know the vendor.
    let first = match s.counts {
        Counts::Fixed { phase } => phase + per,
        _ => per,
    };
    let measured = |at: &f64| *at >= first && *at < first + WINDOWS * per;
    let taken: Vec<f64> =
        vendor.log.iter().filter(|(at, _, taken)| *taken && measured(at)).map(|(at, ..)| *at).collect();
    let sent: Vec<f64> = vendor.log.iter().map(|(at, ..)| *at).collect();
    let fullest = match s.counts {
        Counts::Fixed { phase } => {
            let mut windows = std::collections::BTreeMap::new();
            sent.iter().for_each(|at| *windows.entry(((at - phase) / per).floor() as i64).or_insert(0) += 1);
            windows.into_values().max().unwrap_or(0)
        }
        Counts::Sliding => {
            (0..sent.len()).map(|i| sent[i..].iter().take_while(|at| **at < sent[i] + per).count()).max().unwrap_or(0)
        }
        Counts::Leaky => 0,
    };
    let ours = vendor.log.iter().filter(|(_, who, _)| *who == 0);
    Outcome {
        ours: ours.clone().count(),
        refused: ours.filter(|(.., taken)| !taken).count(),
        used: taken.len() as f64 / (f64::from(s.limit) * WINDOWS),
        fullest,
    }
}

/// Windows of ten seconds and more. A header of whole seconds leaves the end of a window open by up to a second
/// either way, and a call that must not be refused waits for the late end: of `per` seconds that can cost one, until
/// answers around the turn of a second have narrowed it. A log or a bucket that rolls is asked for a minute and more
/// for the same reason.
fn settings() -> impl Strategy<Value = Setting> {
    let says = || {
        prop_oneof![
            Just(Says::SecondsUp),
            Just(Says::SecondsDown),
            Just(Says::Exact),
            Just(Says::Unix),
            Just(Says::Nothing)
        ]
    };
    let long = || prop_oneof![(40u32..=700, Just(60u32)), (100u32..=700, Just(3600))];
    let short = (40u32..=200, Just(10u32));
    let fixed = (prop_oneof![2 => long(), 1 => short], 0.0..1.0f64)
        .prop_map(|((limit, per), phase)| (limit, per, Counts::Fixed { phase: phase * f64::from(per) }));
    let rolling = (long(), prop_oneof![Just(Counts::Sliding), Just(Counts::Leaky)])
        .prop_map(|((limit, per), counts)| (limit, per, counts));
    (prop_oneof![3 => fixed, 2 => rolling], says(), 5u64..300, any::<u64>()).prop_map(
        |((limit, per, counts), says, latency_ms, seed)| Setting { limit, per, counts, says, latency_ms, seed },
    )
}

/// The same cases each time, unless `PROPTEST_RNG_SEED` asks for others; `PROPTEST_CASES` for more of them.
fn config() -> ProptestConfig {
    let chosen = std::env::var_os("PROPTEST_RNG_SEED").is_some();
    let default = ProptestConfig { max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() };
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { default.cases } else { 40 };
    let rng_seed = if chosen { default.rng_seed } else { RngSeed::Fixed(20_261_122) };
    ProptestConfig { cases, rng_seed, ..default }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn alone_it_is_never_over_the_limit_and_uses_nearly_all_of_it(s in settings()) {
        let outcome = run(&s, 0.0);
        prop_assert_eq!(outcome.refused, 0, "{:?}", &outcome);
        prop_assert!(outcome.fullest <= s.limit as usize, "{:?}", &outcome);
        prop_assert!(outcome.used >= 0.95, "{:?}", &outcome);
    }

    #[test]
    fn beside_a_client_that_eats_four_tenths_few_calls_are_refused(s in settings()) {
        let outcome = run(&s, 0.4);
        prop_assert!(outcome.refused as f64 <= 0.05 * outcome.ours as f64, "{:?}", &outcome);
        prop_assert!(outcome.used >= 0.85, "{:?}", &outcome);
    }
}
