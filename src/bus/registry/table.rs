//! Hash tables that call the heap no more once they have been as full as they will be.

use hashbrown::HashTable;

/// Makes room for one more in a table that stays half empty: so it can clear up in place what removals leave behind. A fuller
/// one would look for a larger place, at a moment that depends on how the keys happen to be hashed.
#[inline]
pub(super) fn make_room<T>(table: &mut HashTable<T>, hash: impl Fn(&T) -> u64) {
    let places = table.num_buckets();
    // It clears up if what is there fills half of seven eighths of its places at most.
    if (table.len() + 1) * 16 > places * 7 {
        table.reserve(places.saturating_sub(table.len()).max(1), hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_grows_when_it_is_fuller_than_before_and_never_else() {
        // The numbers hash as badly as can be, so that removals leave much behind.
        let hash = |n: &u64| n / 8;
        let mut table = HashTable::new();
        let mut next = 0;
        for most in [1, 3, 7, 8, 50, 448, 449, 1_000] {
            let mut fill = |table: &mut HashTable<u64>| {
                while table.len() < most {
                    make_room(table, hash);
                    table.insert_unique(hash(&next), next, hash);
                    next += 1;
                }
            };
            fill(&mut table);
            let places = table.num_buckets();
            for round in 0..2_000_u64 {
                table.retain(|n| *n % 7 != round % 7);
                fill(&mut table);
                assert_eq!(table.num_buckets(), places, "at most {most}");
            }
        }
    }
}
