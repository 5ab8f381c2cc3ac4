//! What replication costs in networks of a hundred and two hundred nodes.

use sim::mesh::Plan;
use sim::mesh::measure;
use sim::mesh::shape::Topology;

#[test]
fn in_a_settled_mesh_of_100_messages_cost_little_more_than_their_bytes() {
    let measured = measure(Plan { messages: 1, singles: 30, ..Plan::new(Topology::Regular, 100) }).unwrap();

    // All bytes on all connections, sealed, notes and frames among them, for each byte of a message that came to somebody.
    assert_eq!(measured.singles.tally.stored, 30 * 99);
    let (single, burst) = (measured.singles.tally.cost(), measured.burst.tally.cost());
    assert!(single <= 1.35, "one by one, {single} bytes a byte");
    assert!(burst <= 1.15, "in a burst, {burst} bytes a byte");
    for phase in [measured.singles, measured.burst] {
        let copies = phase.tally.copies();
        assert!(copies <= 1.05, "each message crosses {copies} times as many connections as it must");
    }
}

#[test]
fn in_a_mesh_of_200_all_get_what_they_can() {
    let plan = Plan { messages: 1, singles: 1, burst: 1, ..Plan::new(Topology::Regular, 200) };
    let measured = measure(plan).unwrap();

    assert!(measured.first.tally.stored > 190 * 200);
    assert_eq!(measured.first.tally.fallbacks, 0);
}

#[test]
fn in_every_topology_all_get_what_they_can() {
    for topology in Topology::ALL {
        let plan = Plan { messages: 2, singles: 3, burst: 3, ..Plan::new(topology, 40) };
        let measured = measure(plan).unwrap_or_else(|error| panic!("{topology:?}: {error}"));

        assert_eq!(measured.first.tally.stored, 40 * 39 * 2, "{topology:?}");
        assert_eq!(measured.singles.tally.copies(), 1.0, "{topology:?}");
    }
}
