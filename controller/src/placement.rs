//! Where a room goes: a pure function from a wish and the nodes to a primary and a standby.
//!
//! The nearest region first, then the least loaded node. It does not know which rooms there are:
//! the caller counts what it has placed and not yet heard of.

use lectern_control::NodeId;
use lectern_control::node::{Capacity, Load};

/// Busy thousandths at which a worker counts as full: above, its queues grow with every burst. High,
/// because time for which other processes had the core counts as busy too.
pub const FULL_PERMILLE: u16 = 950;

/// A node, as far as placement is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its name.
    pub node: NodeId,
    /// Its region, from the general to the particular: `eu-central-1`.
    pub region: String,
    /// What fails together with it.
    pub failure_domain: String,
    /// What it can carry.
    pub capacity: Capacity,
    /// What it carries, with what was placed there and is not yet in its reports.
    pub load: Load,
    /// Heard of lately.
    pub alive: bool,
    /// Takes no new rooms.
    pub draining: bool,
}

/// What is to be placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish<'a> {
    /// Near which region.
    pub region: &'a str,
    /// Peers it brings.
    pub peers: u32,
    /// Not there, be it the best: where it comes from.
    pub avoid: Option<&'a NodeId>,
}

/// Where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The node that is active.
    pub node: NodeId,
    /// The node held warm: in another failure domain where there is one with room.
    pub standby: Option<NodeId>,
}

/// Chooses a primary and a standby; `None` where no node can take it.
pub fn place(wish: &Wish<'_>, sites: &[Site]) -> Option<Choice> {
    let fit = sites.iter().filter(|site| fits(site, wish) && Some(&site.node) != wish.avoid);
    let primary = fit.min_by_key(|site| order(site, wish))?;
    let node = primary.node.clone();
    Some(Choice { standby: standby(wish, &node, sites), node })
}

/// Chooses a standby for a room whose primary is given.
pub fn standby(wish: &Wish<'_>, primary: &NodeId, sites: &[Site]) -> Option<NodeId> {
    let domain = sites.iter().find(|site| site.node == *primary).map(|site| &site.failure_domain);
    let fit = sites.iter().filter(|site| fits(site, wish) && site.node != *primary);
    let best = fit.min_by_key(|site| (Some(&site.failure_domain) == domain, order(site, wish)))?;
    Some(best.node.clone())
}

/// Whether a node may take the room at all.
pub fn fits(site: &Site, wish: &Wish<'_>) -> bool {
    site.alive
        && !site.draining
        && site.load.busy_permille < FULL_PERMILLE
        && site.load.egress_bps < site.capacity.egress_bps
        && site.load.peers.saturating_add(wish.peers.max(1)) <= site.capacity.peers
}

/// The best first: near, then idle, then few rooms; the name decides between equals.
fn order<'a>(site: &'a Site, wish: &Wish<'_>) -> (usize, u64, u32, &'a NodeId) {
    (distance(&site.region, wish.region), fullness(site), site.load.rooms, &site.node)
}

/// How far two regions are apart: 0 for the same one, more the fewer parts of their names agree.
pub fn distance(site: &str, wished: &str) -> usize {
    if site == wished {
        return 0;
    }
    let wished_parts = wished.split('-').count();
    let shared = site.split('-').zip(wished.split('-')).take_while(|(a, b)| a == b).count();
    1 + wished_parts.saturating_sub(shared)
}

/// Thousandths of the scarcest thing that are used.
fn fullness(site: &Site) -> u64 {
    let share = |used: u64, all: u64| used.saturating_mul(1_000) / all.max(1);
    let peers = share(site.load.peers.into(), site.capacity.peers.into());
    let egress = share(site.load.egress_bps, site.capacity.egress_bps);
    peers.max(egress).max(site.load.busy_permille.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn site(name: &str, region: &str, domain: &str) -> Site {
        Site {
            node: name.parse().expect("a name"),
            region: region.to_owned(),
            failure_domain: domain.to_owned(),
            capacity: Capacity { workers: 2, peers: 100, egress_bps: 1_000_000_000 },
            load: Load::default(),
            alive: true,
            draining: false,
        }
    }

    fn wish(region: &str) -> Wish<'_> {
        Wish { region, peers: 1, avoid: None }
    }

    fn names(choice: Option<Choice>) -> (String, Option<String>) {
        let choice = choice.expect("a choice");
        (choice.node.into(), choice.standby.map(String::from))
    }

    #[test]
    fn the_nearest_region_comes_before_an_idle_node() {
        let mut near = site("near", "eu-central", "a");
        near.load.peers = 90;
        let sites = [site("far", "us-east", "b"), site("europe", "eu-west", "c"), near];
        let (node, standby) = names(place(&wish("eu-central"), &sites));
        assert_eq!((node.as_str(), standby.as_deref()), ("near", Some("europe")));
        assert_eq!(names(place(&wish("eu-north"), &sites)).0, "europe");
        assert_eq!(names(place(&wish("us-east"), &sites)).0, "far");
    }

    #[test]
    fn a_standby_in_another_failure_domain_comes_before_a_nearer_one() {
        let sites = [site("a1", "eu", "a"), site("a2", "eu", "a"), site("b1", "us", "b")];
        assert_eq!(names(place(&wish("eu"), &sites)), ("a1".into(), Some("b1".into())));
        let alone = &sites[..2];
        assert_eq!(names(place(&wish("eu"), alone)), ("a1".into(), Some("a2".into())));
        assert_eq!(names(place(&wish("eu"), &sites[..1])), ("a1".into(), None));
    }

    #[test]
    fn the_scarcest_thing_decides_between_nodes_of_a_region() {
        let (mut busy, mut crowded, mut sending) =
            (site("a", "eu", "a"), site("b", "eu", "b"), site("c", "eu", "c"));
        busy.load.busy_permille = 700;
        crowded.load.peers = 60;
        sending.load.egress_bps = 500_000_000;
        let sites = [busy, crowded, sending];
        assert_eq!(names(place(&wish("eu"), &sites)), ("c".into(), Some("b".into())));
    }

    #[test]
    fn a_room_does_not_go_back_where_it_comes_from() {
        let sites = [site("a", "eu", "a"), site("b", "eu", "b")];
        let from = &sites[0].node;
        let choice = place(&Wish { avoid: Some(from), ..wish("eu") }, &sites);
        assert_eq!(names(choice), ("b".into(), Some("a".into())));
        assert_eq!(place(&Wish { avoid: Some(from), ..wish("eu") }, &sites[..1]), None);
    }

    prop_compose! {
        fn any_site()(
            number in 0_u8..8,
            region in prop::sample::select(vec!["eu-central", "eu-west", "us-east", ""]),
            domain in prop::sample::select(vec!["a", "b", "c"]),
            (peers, capacity) in (0_u32..12, 0_u32..12),
            (egress_bps, most_bps) in (0_u64..4, 0_u64..4),
            busy_permille in 0_u16..1_000,
            alive in prop::bool::weighted(0.8),
            draining in prop::bool::weighted(0.2),
        ) -> Site {
            Site {
                node: format!("node-{number}").parse().expect("a name"),
                region: region.to_owned(),
                failure_domain: domain.to_owned(),
                capacity: Capacity { workers: 1, peers: capacity, egress_bps: most_bps },
                load: Load { peers, rooms: 0, egress_bps, busy_permille },
                alive,
                draining,
            }
        }
    }

    fn any_sites() -> impl Strategy<Value = Vec<Site>> {
        prop::collection::vec(any_site(), 0..10).prop_map(|mut sites| {
            sites.sort_by(|a, b| a.node.cmp(&b.node));
            sites.dedup_by(|a, b| a.node == b.node);
            sites
        })
    }

    proptest! {
        #[test]
        fn a_room_goes_only_where_it_fits(
            sites in any_sites(),
            peers in 0_u32..8,
            avoid in prop::option::of(0_u8..8),
            order in any::<u64>(),
        ) {
            let avoid = avoid.map(|number| format!("node-{number}").parse().expect("a name"));
            let wish = Wish { region: "eu-west", peers, avoid: avoid.as_ref() };
            let choice = place(&wish, &sites);
            let mut shuffled = sites.clone();
            shuffled.sort_by_key(|site| {
                site.node.as_str().bytes().fold(order, |h, b| h.rotate_left(7) ^ u64::from(b))
            });
            prop_assert_eq!(&place(&wish, &shuffled), &choice, "the order of nodes is no matter");
            let by_name = |name: &NodeId| sites.iter().find(|s| s.node == *name).expect("known");
            let usable = |site: &&Site| {
                site.alive && !site.draining && site.load.peers + peers.max(1) <= site.capacity.peers
                    && site.load.egress_bps < site.capacity.egress_bps
                    && site.load.busy_permille < FULL_PERMILLE
            };
            let Some(choice) = choice else {
                let left = sites.iter().filter(usable).filter(|s| Some(&s.node) != avoid.as_ref());
                prop_assert_eq!(left.count(), 0, "there was a node");
                return Ok(());
            };
            let primary = by_name(&choice.node);
            prop_assert!(usable(&primary));
            prop_assert_ne!(Some(&choice.node), avoid.as_ref());
            let nearer = |site: &&Site| {
                distance(&site.region, "eu-west") < distance(&primary.region, "eu-west")
                    && Some(&site.node) != avoid.as_ref()
            };
            prop_assert_eq!(sites.iter().filter(usable).filter(nearer).count(), 0);
            let others = || sites.iter().filter(usable).filter(|s| s.node != choice.node);
            let Some(standby) = &choice.standby else {
                prop_assert_eq!(others().count(), 0, "there was a standby");
                return Ok(());
            };
            let standby = by_name(standby);
            prop_assert!(usable(&standby));
            prop_assert_ne!(&standby.node, &primary.node);
            if standby.failure_domain == primary.failure_domain {
                let apart = others().filter(|s| s.failure_domain != primary.failure_domain);
                prop_assert_eq!(apart.count(), 0, "another failure domain had room");
            }
        }
    }
}
