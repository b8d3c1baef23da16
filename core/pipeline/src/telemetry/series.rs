//! Counters that every batch moves: an atomic addition each, read when somebody
//! asks. A counter of the SDK looks its series up by the labels at every addition.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::KeyValue;
use parking_lot::Mutex;

use super::meter;

/// All series of the process, by the name of their counter. Components come and
/// go with reloads; what they counted stays.
static COUNTERS: Mutex<Vec<(String, Arc<Counter>)>> = Mutex::new(Vec::new());

/// Series by their labels.
#[derive(Debug, Default)]
struct Counter(Mutex<Vec<(Vec<KeyValue>, Series)>>);

/// One series of a counter, visible from the moment it is made.
#[derive(Clone, Debug, Default)]
pub(super) struct Series(Arc<AtomicU64>);

impl Series {
    /// The series with this name and these labels: the same whoever asks. Their
    /// number must be bounded by the configuration.
    pub(super) fn of(name: &str, description: &str, labels: &[KeyValue]) -> Series {
        let counter = {
            let mut counters = COUNTERS.lock();
            match counters.iter().find(|(known, _)| known == name) {
                Some((_, counter)) => Arc::clone(counter),
                None => {
                    let counter = Counter::observed(name, description);
                    counters.push((name.to_owned(), Arc::clone(&counter)));
                    counter
                }
            }
        };
        let mut all = counter.0.lock();
        if let Some((_, series)) = all.iter().find(|(known, _)| known == labels) {
            return series.clone();
        }
        let series = Series::default();
        all.push((labels.to_vec(), series.clone()));
        series
    }

    pub(super) fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counter {
    fn observed(name: &str, description: &str) -> Arc<Counter> {
        let counter = Arc::new(Counter::default());
        let observed = Arc::clone(&counter);
        let _ = meter()
            .u64_observable_counter(name.to_owned())
            .with_description(description.to_owned())
            .with_callback(move |observer| {
                for (labels, series) in observed.0.lock().iter() {
                    observer.observe(series.value(), labels);
                }
            })
            .build();
        counter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_known_by_its_name_and_labels() {
        let series = |name: &str, label: &'static str| {
            Series::of(name, "of a test", &[KeyValue::new("receiver", label)])
        };
        series("test_a", "one").add(2);
        series("test_a", "two").add(3);
        series("test_b", "one").add(5);
        series("test_a", "one").add(7);
        let values = [("test_a", "one"), ("test_a", "two"), ("test_b", "one")]
            .map(|(name, label)| series(name, label).value());
        assert_eq!(values, [9, 3, 5]);
    }
}
