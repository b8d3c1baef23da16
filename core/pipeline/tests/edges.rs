//! What the edges between stages promise.

use std::sync::Arc;

use pipeline::consumer::hand_over;
use pipeline::fan_out::FanOut;
use pipeline::{Batch, Outlet, Refused};
use test_kit::{ScriptedConsumer, logs};

#[tokio::test]
async fn a_fan_out_admits_everywhere_before_it_offers_anywhere() {
    let (first, second) = (ScriptedConsumer::new(), ScriptedConsumer::new());
    let both = FanOut::over(vec![first.consumer(), second.consumer()]);
    second.refuse(Refused::later("full", None));
    let refused = hand_over(&*both, Batch::new(logs(["a"]))).await;
    assert!(
        refused
            .expect_err("refused by the second branch")
            .is_retryable()
    );
    assert!(
        first.taken().is_empty(),
        "the first branch must not have what the client sends again"
    );
    hand_over(&*both, Batch::new(logs(["a"])))
        .await
        .expect("taken");
    assert_eq!(
        (first.bodies(), second.bodies()),
        (vec!["a".to_owned()], vec!["a".to_owned()])
    );
}

#[tokio::test]
async fn a_fan_out_waits_for_late_outcomes() {
    let (first, second) = (ScriptedConsumer::new(), ScriptedConsumer::new());
    second.answer(Err(Refused::never("bad")));
    let both = FanOut::over(vec![first.consumer(), second.consumer()]);
    let outcome = hand_over(&*both, Batch::new(logs(["a"]))).await;
    assert_eq!(outcome, Err(Refused::never("bad")));
}

#[tokio::test]
async fn what_was_admitted_before_a_swap_goes_to_who_admitted_it() {
    let (old, new) = (ScriptedConsumer::new(), ScriptedConsumer::new());
    let outlet = Outlet::new(old.consumer());
    let batch = Batch::new(logs(["a"]));
    let admitted = outlet.admit(&batch.size()).expect("admitted");
    outlet.swap(new.consumer());
    admitted.offer(batch).await.expect("taken");
    outlet.send(Batch::new(logs(["b"]))).await.expect("taken");
    assert_eq!(
        (old.bodies(), new.bodies()),
        (vec!["a".to_owned()], vec!["b".to_owned()])
    );
}

#[test]
fn a_branch_alone_is_not_wrapped() {
    let only = ScriptedConsumer::new().consumer();
    assert!(Arc::ptr_eq(&FanOut::over(vec![Arc::clone(&only)]), &only));
}
