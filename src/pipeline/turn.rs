//! Lets records that are worked on side by side have their effects one after the other, in the order they were taken up.
//!
//! A record waits for its turn once it is planned, and gives it up when its steps are done. A run takes no turns: there a record
//! that waits for the target must not hold up the others. Where nothing is sent they make what is told the same each time.

use tokio::sync::oneshot;

/// Gives out turns.
pub enum Turns {
    InOrder(Option<oneshot::Receiver<()>>),
    Free,
}

impl Turns {
    pub fn new(in_order: bool) -> Turns {
        if in_order { Turns::InOrder(None) } else { Turns::Free }
    }

    /// The turn after all that were given out.
    pub fn give(&mut self) -> Turn {
        let Turns::InOrder(last) = self else { return Turn::free() };
        let (over, next) = oneshot::channel();
        Turn { before: last.replace(next), over: Some(over) }
    }
}

/// The right to have effects, which comes when all before it have had theirs.
pub struct Turn {
    before: Option<oneshot::Receiver<()>>,
    over: Option<oneshot::Sender<()>>,
}

impl Turn {
    /// One that has come.
    pub fn free() -> Turn {
        Turn { before: None, over: None }
    }

    /// Waits until the turn has come.
    pub async fn come(&mut self) {
        if let Some(before) = &mut self.before {
            // One that is dropped is over, too: its run has ended.
            let _ = before.await;
            self.before = None;
        }
    }

    /// Waits for the turn where it has not come, and gives it up.
    pub async fn end(&mut self) {
        self.come().await;
        self.over = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{StreamExt, stream};
    use std::sync::Mutex;

    async fn effects(mut turns: Turns, first_waits: usize) -> Vec<usize> {
        let effects = Mutex::new(Vec::new());
        let rows = stream::iter(0..20).map(|n| (n, turns.give()));
        let work = rows.map(|(n, mut turn)| {
            let effects = &effects;
            async move {
                for _ in 0..(if n == 0 { first_waits } else { 20 - n }) {
                    tokio::task::yield_now().await;
                }
                // Some have no effect at all.
                if n % 7 != 3 {
                    turn.come().await;
                    effects.lock().unwrap().push(n);
                    tokio::task::yield_now().await;
                    effects.lock().unwrap().push(n);
                }
                turn.end().await;
            }
        });
        work.buffer_unordered(8).collect::<()>().await;
        effects.into_inner().unwrap()
    }

    #[tokio::test]
    async fn effects_come_in_the_order_of_the_records_however_long_each_is_worked_on() {
        let all = effects(Turns::new(true), 50).await;
        let wanted: Vec<usize> = (0..20).filter(|n| n % 7 != 3).flat_map(|n| [n, n]).collect();
        assert_eq!(all, wanted);
    }

    #[tokio::test]
    async fn a_run_waits_for_nobody() {
        assert_eq!(effects(Turns::new(false), 50).await.last(), Some(&0));
    }
}
