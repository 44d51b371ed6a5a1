//! For models under loom: each execution gets a world of its own.

/// Runs `f` under loom's exploration with `builder`, each execution with fresh pools and a fresh global domain.
pub fn check(builder: &loom::model::Builder, f: impl Fn() + Send + Sync + 'static) {
    builder.check(move || {
        crate::world::new_world();
        f();
    });
}
