use super::*;

#[test]
fn nobody_lets_a_thread_into_its_magazine_again_once_the_pool_has_closed() {
    let stock = Stock::new(4, 8, false);
    let before = stock.new_magazine();
    stock.close();
    // As of a thread that returned an object while the pool was being closed.
    let after = stock.new_magazine();
    stock.gather();
    stock.begin_watch();
    for magazine in [before, after] {
        // SAFETY: this thread owns both; they are only asked whether they would take what nobody looks at.
        assert!(!unsafe { magazine.push(NonNull::dangling()) });
    }
}
