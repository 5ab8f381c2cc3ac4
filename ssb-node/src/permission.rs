//! Who may call what: the table of all methods, by role. What is not allowed here is denied.

use std::sync::Arc;

use ssb_gossip::ebt;
use ssb_muxrpc::Method;
use ssb_muxrpc::Methods;
use ssb_muxrpc::Role;
use ssb_muxrpc::Roles;

use crate::rpc::Rpc;

/// The owner: the node's own key, and whoever opens the unix socket. May call everything.
pub(crate) const OWNER: Role = Role::new(0);

/// Everybody else, and every peer that we dialed, whatever its key (secret-stack 6.4.2).
pub(crate) const ANONYMOUS: Role = Role::new(1);

/// The table of this node.
pub(crate) fn methods() -> Arc<Methods> {
    let all = Rpc::ALL.iter().map(|rpc| {
        let method = match rpc {
            Rpc::EbtReplicate => ebt::stream::method(),
            rpc => Method::new(rpc.path(), rpc.kind()),
        };
        if rpc.is_public() { method.allowed_to(Roles::of(&[ANONYMOUS])) } else { method }
    });
    Arc::new(Methods::new(all, Roles::of(&[OWNER])).expect("the table is fixed and its paths differ"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ssb_muxrpc::Event;
    use ssb_muxrpc::Session;

    #[test]
    fn strangers_may_call_these_and_nothing_else() {
        let public: Vec<&str> = Rpc::ALL.iter().filter(|rpc| rpc.is_public()).map(|rpc| rpc.path()).collect();

        assert_eq!(
            public,
            [
                "manifest",
                "createHistoryStream",
                "gossip.ping",
                "ebt.replicate",
                "conn.ping",
                "ooo.stream",
                "blobs.get",
                "blobs.getSlice",
                "blobs.has",
                "blobs.changes",
                "blobs.createWants"
            ]
        );
    }

    #[test]
    fn the_owner_may_call_everything_and_a_stranger_only_what_is_public() {
        let methods = methods();
        for (index, rpc) in Rpc::ALL.iter().enumerate() {
            let path: Vec<&str> = rpc.path().split('.').collect();
            for (role, expected) in [(OWNER, true), (ANONYMOUS, rpc.is_public())] {
                let mut callee = Session::new(Arc::clone(&methods), role);
                let mut caller = Session::new(Arc::default(), OWNER);
                caller.call(&path, rpc.kind(), "[]").unwrap();

                let (_, event) = callee.receive(caller.outgoing()).unwrap();

                let called = match event {
                    Some(Event::Called { method, .. }) => Some(method.index()),
                    _ => None,
                };
                assert_eq!(called, expected.then_some(index), "{rpc:?} {role:?}");
            }
        }
    }

    #[test]
    fn the_manifest_names_every_method_and_its_kind() {
        let manifest: serde_json::Value = serde_json::from_str(&methods().manifest()).unwrap();

        assert_eq!(manifest["whoami"], "sync");
        assert_eq!(manifest["createLogStream"], "source");
        assert_eq!(manifest["gossip"]["ping"], "duplex");
    }
}
