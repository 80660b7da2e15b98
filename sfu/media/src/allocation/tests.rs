//! Who gets what, with enough for all and with too little.

use super::*;

fn layer(kbps: u64, height: u32, frames_per_second: u32) -> Layer {
    let rate = Bitrate::kbps(kbps);
    Layer { rate, peak: rate, width: height * 16 / 9, height, frames_per_second }
}

fn demand(rank: Rank, layers: &[Layer], current: Option<usize>) -> Demand {
    Demand {
        rank,
        wish: Wish::default(),
        layers: Layers::from_slice(layers),
        current,
        rests: false,
    }
}

fn camera(current: Option<usize>) -> Demand {
    demand(Rank::Other, &[layer(150, 180, 30), layer(500, 360, 30), layer(1_700, 720, 30)], current)
}

fn screen(current: Option<usize>) -> Demand {
    demand(Rank::Screen, &[layer(400, 1_080, 5), layer(2_500, 1_080, 15)], current)
}

fn share(kbps: u64, demands: &[Demand]) -> Vec<Grant> {
    allocate(Bitrate::kbps(kbps), demands).into_vec()
}

#[test]
fn with_enough_everybody_gets_all() {
    let demands = [camera(None), screen(None)];
    assert_eq!(share(5_000, &demands), [Grant::Layer(2), Grant::Layer(1)]);
    assert_eq!(useful_rate(&demands), Bitrate::kbps(4_200));
}

#[test]
fn the_screen_comes_first_and_then_whoever_speaks() {
    let speaker = Demand { rank: Rank::Speaker, ..camera(None) };
    let demands = [camera(None), speaker, screen(None)];
    // 2,500 for the screen, 500 for the speaker, 150 for the other, a tenth for changes.
    assert_eq!(share(3_500, &demands), [Grant::Layer(0), Grant::Layer(1), Grant::Layer(1)]);
    // The speaker before the other: 400 + 1,700 + 150.
    let [other, speaker, screen] = demands;
    let still = Demand { layers: Layers::from_slice(&[layer(400, 1_080, 5)]), ..screen };
    let demands = [other, speaker, still];
    assert_eq!(share(2_500, &demands), [Grant::Layer(0), Grant::Layer(2), Grant::Layer(0)]);
}

#[test]
fn a_screen_at_rest_leaves_its_room_to_others_but_has_room_for_its_next_slide() {
    let at_rest =
        |peak, height, fps| Layer { peak: Bitrate::kbps(peak), ..layer(100, height, fps) };
    let layers = [at_rest(300, 1_080, 5), at_rest(1_500, 1_080, 15)];
    let still = |current| demand(Rank::Screen, &layers, current);
    assert_eq!(share(2_400, &[camera(None), still(None)]), [Grant::Layer(2), Grant::Layer(1)]);
    assert_eq!(useful_rate(&[still(None)]), Bitrate::kbps(1_500));
    // Where the next slide would not fit, what is sent now stays no more than what is not.
    for current in [None, Some(0), Some(1)] {
        assert_eq!(share(700, &[still(current), camera(None)])[0], Grant::Layer(0));
    }
}

#[test]
fn who_shows_a_screen_small_still_gets_all_its_pictures() {
    let shown = |height, frames_per_second, demand: Demand| {
        let wish = Wish { height, frames_per_second, ..Wish::default() };
        share(9_000, &[Demand { wish, ..demand }])
    };
    assert_eq!(shown(1_080, 0, screen(None)), [Grant::Layer(1)]);
    assert_eq!(shown(1_080, 5, screen(None)), [Grant::Layer(0)]);
    assert_eq!(shown(360, 0, camera(None)), [Grant::Layer(1)]);
    assert_eq!(shown(200, 0, camera(None)), [Grant::Layer(1)]);
}

#[test]
fn what_was_lowered_a_moment_ago_does_not_go_up_but_may_go_down() {
    let rests = |demand| Demand { rests: true, ..demand };
    assert_eq!(share(9_000, &[rests(camera(Some(1)))]), [Grant::Layer(1)]);
    assert_eq!(share(200, &[rests(camera(Some(1)))]), [Grant::Layer(0)]);
    assert_eq!(share(9_000, &[rests(camera(None))]), [Grant::Starved]);
    assert_eq!(share(9_000, &[rests(screen(None))]), [Grant::Layer(0)]);
}

#[test]
fn a_screen_is_never_starved() {
    let demands = [camera(Some(2)), screen(Some(1))];
    assert_eq!(share(300, &demands), [Grant::Starved, Grant::Layer(0)]);
    assert_eq!(share(0, &demands), [Grant::Starved, Grant::Layer(0)]);
}

#[test]
fn nobody_goes_up_and_down_where_a_layer_just_fits() {
    let fits = 1_750;
    assert_eq!(share(fits, &[camera(Some(2))]), [Grant::Layer(2)], "it stays");
    assert_eq!(share(fits, &[camera(Some(1))]), [Grant::Layer(1)], "it does not go up");
    assert_eq!(share(1_900, &[camera(Some(1))]), [Grant::Layer(2)]);
    assert_eq!(share(1_600, &[camera(Some(2))]), [Grant::Layer(1)], "it goes down");
    assert_eq!(share(155, &[camera(None)]), [Grant::Starved]);
    assert_eq!(share(155, &[camera(Some(0))]), [Grant::Layer(0)]);
}

#[test]
fn what_is_small_on_the_screen_is_sent_small() {
    let shown = |height: u32| {
        let wish = Wish { height, width: height * 16 / 9, ..Wish::default() };
        Demand { wish, ..camera(None) }
    };
    assert_eq!(share(10_000, &[shown(150)]), [Grant::Layer(0)]);
    assert_eq!(share(10_000, &[shown(190)]), [Grant::Layer(0)], "nobody sees that");
    assert_eq!(share(10_000, &[shown(300)]), [Grant::Layer(1)]);
    assert_eq!(share(10_000, &[shown(2_160)]), [Grant::Layer(2)]);
    assert_eq!(useful_rate(&[shown(150)]), Bitrate::kbps(150));
    let slow = Wish { frames_per_second: 5, height: 1_080, ..Wish::default() };
    assert_eq!(share(10_000, &[Demand { wish: slow, ..screen(None) }]), [Grant::Layer(0)]);
}

#[test]
fn what_is_hidden_gets_nothing_and_takes_nothing() {
    let hidden = Wish { hidden: true, ..Wish::default() };
    let demands = [Demand { wish: hidden, ..screen(None) }, camera(None)];
    assert_eq!(share(2_000, &demands), [Grant::Hidden, Grant::Layer(2)]);
    assert_eq!(useful_rate(&demands), Bitrate::kbps(1_700));
}

#[test]
fn priorities_decide_within_a_rank() {
    let important = Wish { priority: 1, ..Wish::default() };
    let demands = [camera(None), Demand { wish: important, ..camera(None) }];
    assert_eq!(share(170, &demands), [Grant::Starved, Grant::Layer(0)]);
    assert_eq!(share(350, &demands), [Grant::Layer(0), Grant::Layer(0)]);
    assert_eq!(share(730, &demands), [Grant::Layer(0), Grant::Layer(1)], "one step first");
}

#[test]
fn a_track_of_which_nothing_has_come_gets_whatever_comes() {
    let unknown = demand(Rank::Other, &[], None);
    assert_eq!(share(1_000, &[unknown]), [Grant::Starved]);
    let silent = demand(Rank::Other, &[layer(0, 0, 0), layer(0, 0, 0)], None);
    assert_eq!(share(0, &[silent]), [Grant::Layer(1)]);
}

#[test]
fn many_tiles_share_evenly_and_within_the_budget() {
    for kbps in (0..60_000).step_by(777) {
        let demands = vec![camera(None); 49];
        let grants = share(kbps, &demands);
        let rate = |grant: &Grant| match grant {
            Grant::Layer(layer) => demands[0].rate(*layer),
            _ => 0,
        };
        let used: u64 = grants.iter().map(rate).sum();
        assert!(used <= kbps * 1_000, "{used} of {kbps} kbit/s");
        let steps: Vec<i64> = grants
            .iter()
            .map(|grant| match grant {
                Grant::Layer(layer) => *layer as i64,
                _ => -1,
            })
            .collect();
        let (most, least) = (steps.iter().max(), steps.iter().min());
        assert!(
            most.zip(least).is_some_and(|(most, least)| most - least <= 1),
            "{kbps}: {steps:?}"
        );
    }
}
