//! Wrong credentials: slowed down by exact times, counted, and nobody else's problem.
#![cfg(feature = "admin")]

use pulsebus::admin::{Admin, AdminError, Policy, PolicyError, Role, SlowDown, Token};
use pulsebus::{Bus, ManualClock, Pools};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const NANOSECOND: Duration = Duration::from_nanos(1);

struct World {
    hand: ManualClock,
    /// (Only for its being there.)
    _bus: Bus,
    admin: Admin,
    token: Token,
}

fn world(slow_down: SlowDown) -> World {
    let hand = ManualClock::new();
    hand.advance(100 * SECOND);
    let bus = Bus::builder().clock(hand.clock()).build().unwrap();
    let token = Token::generate().unwrap();
    let policy = Policy::new().token("ann", Role::Admin, &token).slow_down(slow_down);
    let admin = Admin::without_monitor(&bus, &Pools::new(), policy).unwrap();
    World { hand, _bus: bus, admin, token }
}

impl World {
    /// For how long the source is refused after a wrong one; panics if it was not looked at.
    fn wrong(&self, source: &str) -> Duration {
        match self.admin.run("wrong", source, "help") {
            Err(AdminError::WrongCredential { retry_after }) => retry_after,
            other => panic!("{other:?}"),
        }
    }

    /// Does the right one get in? Otherwise for how long not.
    fn right(&self, source: &str) -> Result<(), Duration> {
        match self.admin.run(self.token.expose(), source, "help") {
            Ok(_) => Ok(()),
            Err(AdminError::SlowDown { retry_after }) => Err(retry_after),
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn each_wrong_one_beyond_the_free_ones_has_its_source_refused_twice_as_long() {
    let world = world(SlowDown::default());
    for expected in [0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
        let refused = world.wrong("eve");
        assert_eq!(refused, expected * SECOND);
        if !refused.is_zero() {
            assert_eq!(world.right("eve"), Err(refused));
            world.hand.advance(refused - NANOSECOND);
            assert_eq!(world.right("eve"), Err(NANOSECOND), "the right one is not looked at either");
            world.hand.advance(NANOSECOND);
        }
        assert_eq!(world.right("eve"), Ok(()));
    }
    let attempts = world.admin.attempts();
    assert_eq!((attempts.right, attempts.wrong, attempts.slowed, attempts.sources), (14, 14, 22, 1));
}

#[test]
fn what_is_refused_is_not_looked_at_and_makes_nothing_longer() {
    let world = world(SlowDown::default());
    (0..4).for_each(|_| drop(world.admin.run("wrong", "eve", "help")));
    for _ in 0..1_000 {
        let refused = world.admin.run("wrong", "eve", "help").unwrap_err();
        assert_eq!(refused, AdminError::SlowDown { retry_after: SECOND });
    }
    world.hand.advance(SECOND);
    assert_eq!(world.wrong("eve"), 2 * SECOND);
}

#[test]
fn a_right_one_makes_guessing_at_another_one_no_faster() {
    let world = world(SlowDown::default());
    for expected in [0, 0, 0, 1, 2, 4] {
        assert_eq!(world.right("eve"), Ok(()));
        let refused = world.wrong("eve");
        assert_eq!(refused, expected * SECOND);
        world.hand.advance(refused);
    }
}

#[test]
fn nobody_is_locked_out_by_attackers_elsewhere() {
    let world = world(SlowDown::default());
    for number in 0..20_000 {
        let _ = world.admin.run("wrong", &format!("10.0.{}.{}", number / 256, number % 256), "help");
        if number % 1_000 == 0 {
            assert_eq!(world.right("ann's office"), Ok(()));
        }
    }
    assert_eq!(world.right("ann's office"), Ok(()));
    assert_eq!(world.admin.attempts().sources, 1024);
    // But whoever fails in such a crowd waits, the first time already.
    assert_eq!(world.wrong("eve"), 30 * SECOND);
    assert_eq!(world.right("eve"), Err(30 * SECOND));
    assert_eq!(world.right("ann's office"), Ok(()));
}

#[test]
fn sources_are_told_apart_by_their_beginning_and_forgiven_by_the_program() {
    let world = world(SlowDown::default());
    (0..4).for_each(|_| drop(world.admin.run("wrong", "eve\n", "help")));
    assert!(world.right("eve\n").is_err());
    assert!(world.right("eve").is_ok());
    assert!(world.admin.forgive("eve\n"));
    assert!(!world.admin.forgive("eve\n"));
    assert!(world.right("eve\n").is_ok());
    // A source that goes on and on does not take memory, nor escapes by it.
    for number in 0..4 {
        let _ = world.admin.run("wrong", &format!("{}{number}", "x".repeat(100_000)), "help");
    }
    assert!(world.right(&"x".repeat(1_000)).is_err());
}

#[test]
fn many_at_once_from_one_source_are_looked_at_no_more_than_one_after_another() {
    let world = world(SlowDown::default());
    let looked_at = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    if let Err(AdminError::WrongCredential { .. }) = world.admin.run("wrong", "eve", "help") {
                        looked_at.fetch_add(1, SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(looked_at.load(SeqCst), 4);
}

#[test]
fn limits_out_of_their_range_are_refused() {
    let refused = |change: fn(&mut SlowDown)| {
        let mut slow_down = SlowDown::default();
        change(&mut slow_down);
        let token = Token::generate().unwrap();
        let policy = Policy::new().token("ann", Role::Admin, &token).slow_down(slow_down);
        match Admin::without_monitor(&Bus::new(), &Pools::new(), policy) {
            Err(PolicyError::OutOfRange { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(|slow| slow.first = Duration::ZERO), "slow_down.first");
    assert_eq!(refused(|slow| slow.most = Duration::ZERO), "slow_down.most");
    assert_eq!(refused(|slow| slow.forget_after = SECOND), "slow_down.forget_after");
    assert_eq!(refused(|slow| slow.crowd = 0), "slow_down.crowd");
    assert_eq!(refused(|slow| slow.sources = 0), "slow_down.sources");
}
