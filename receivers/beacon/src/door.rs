//! What a request meets before its body is read.

use net::{Budget, Charge};
use pipeline::{Outlet, Refused, Size};

/// The budget that bodies are charged to. The pipeline is asked first, so that
/// an overloaded collector reads and inflates nothing that it will refuse.
pub(crate) struct Door {
    outlet: Option<Outlet>,
    budget: pipeline::Budget,
}

impl Door {
    pub(crate) fn new(outlet: Option<Outlet>, budget: pipeline::Budget) -> Door {
        Door { outlet, budget }
    }
}

impl Budget for Door {
    fn charge(&self, bytes: usize) -> Result<Charge, net::Refused> {
        let admitted = self
            .outlet
            .as_ref()
            .map(|outlet| outlet.admit(&Size { items: 1, bytes }));
        match admitted {
            Some(Err(Refused::Later { after, why })) => Err(net::Refused {
                why: why.to_string().into(),
                after,
            }),
            // A refusal for good is left to the events themselves: their size
            // in the pipeline is not that of the body.
            None | Some(Ok(_) | Err(Refused::Never { .. })) => Budget::charge(&self.budget, bytes),
        }
    }
}
