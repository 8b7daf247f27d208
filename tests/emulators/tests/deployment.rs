//! The template as it stands, deployed to ministack with the real programs.

use sluice_emulators::Ministack;
use sluice_emulators::deploy::{Binaries, deploy};

#[tokio::test]
async fn the_template_deploys_with_everything_but_what_the_emulator_can_not_create() {
    let ministack = Ministack::start(&[]).unwrap();
    let endpoint = ministack.fresh();
    let deployed = deploy(&endpoint, "sluice", &Binaries::build().unwrap(), &[]).await.unwrap();
    for queue in ["EventsQueue", "ClearedQueue", "AssignedQueue", "ChecksQueue"] {
        assert!(deployed.resource(queue).contains("/sluice-"), "{queue}: {:?}", deployed.resource(queue));
    }
    // Nothing but these may differ from what is deployed to AWS.
    let known = [
        "left out: it can not create an alarm over several metrics",
        "MaximumConcurrency given as its default: it takes a parameter's number for text",
        "object lock switched on afterwards: its CloudFormation forgets that",
    ];
    for adjustment in &deployed.adjustments {
        assert!(known.contains(&adjustment.what), "{adjustment:?}");
    }
}
