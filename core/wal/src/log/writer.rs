//! The thread that writes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::{Door, Stored, Waiting};
use crate::engine::Engine;
use crate::error::{AppendError, CursorError};
use crate::state::Shared;

/// After how many groups the positions of cursors are stored although appends
/// never pause.
const GROUPS_A_STORE: u32 = 32;

/// How long appends have to pause before positions are stored without need.
/// Consumers acknowledge right behind an answer, and senders come again as soon:
/// without this each group would cost a second sync.
const PAUSE: Duration = Duration::from_millis(20);

/// Refuses everybody when the thread ends, however it ends.
struct Leave<'a>(&'a Shared, &'a Door);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let (appends, stores, errands) = {
            let mut waiting = self.1.waiting.lock();
            waiting.gone = true;
            let Waiting {
                appends,
                stores,
                errands,
                ..
            } = &mut *waiting;
            (
                std::mem::take(appends),
                std::mem::take(stores),
                std::mem::take(errands),
            )
        };
        drop(errands);
        for pending in appends {
            (pending.done)(Err(AppendError::Closed));
        }
        for stored in stores {
            stored(Err(CursorError::Closed));
        }
        self.0.state.lock().closed = true;
        self.0.wake();
    }
}

/// The writer: takes whatever waits, makes it durable, answers, and again.
/// Grouping is natural: what arrives during a sync shares the next one.
pub(super) fn write(mut engine: Engine, door: &Door) {
    let shared = Arc::clone(&engine.shared);
    let leave = Leave(&shared, door);
    let mut groups = 0;
    loop {
        let (appends, stores, errands, jump, moved, closing) = {
            let mut waiting = door.waiting.lock();
            door.knock
                .wait_while(&mut waiting, |w| w.idle() && !w.moved);
            door.knock.wait_while_for(&mut waiting, |w| w.idle(), PAUSE);
            let idle = waiting.appends.is_empty() || groups + 1 >= GROUPS_A_STORE;
            let moved = idle && std::mem::take(&mut waiting.moved);
            (
                std::mem::take(&mut waiting.appends),
                std::mem::take(&mut waiting.stores),
                std::mem::take(&mut waiting.errands),
                std::mem::take(&mut waiting.jump),
                moved,
                waiting.closing,
            )
        };
        engine.jump(jump);
        if !appends.is_empty() {
            engine.commit(appends);
            groups += 1;
        }
        errands.into_iter().for_each(|errand| errand(&mut engine));
        if moved || !stores.is_empty() {
            groups = 0;
            answer(&mut engine, stores);
        }
        if closing {
            break;
        }
    }
    if let Err(error) = engine.close() {
        engine.postponed("store where the log ends", &error);
    }
    // the directory is free before anybody hears that this log is closed
    drop(engine);
    drop(leave);
}

fn answer(engine: &mut Engine, stores: Vec<Stored>) {
    let stored = engine.persist().map_err(|error: io::Error| {
        engine.postponed("store the positions of the cursors", &error);
        Arc::new(error)
    });
    for done in stores {
        done(stored.clone().map_err(CursorError::Failed));
    }
}
