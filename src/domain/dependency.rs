//! What must recover before what: order and circles.

use super::ids::ComponentId;
use std::collections::BTreeMap;

/// What each component waits for.
pub type Graph<'a> = BTreeMap<&'a ComponentId, Vec<&'a ComponentId>>;

/// Returns the components so that each stands after everything it waits for.
///
/// # Errors
/// The members of a circle, in order, when there is one.
pub fn order<'a>(graph: &Graph<'a>) -> Result<Vec<&'a ComponentId>, Vec<&'a ComponentId>> {
    /// `false` while a node is on the path that is being walked, `true` when it is done.
    type Seen<'a> = BTreeMap<&'a ComponentId, bool>;

    // Iterative, because a hostile file may hold a chain of a hundred thousand components.
    let mut seen: Seen<'a> = BTreeMap::new();
    let mut sorted = Vec::with_capacity(graph.len());
    for &start in graph.keys() {
        if seen.contains_key(start) {
            continue;
        }
        let mut path: Vec<(&'a ComponentId, usize)> = vec![(start, 0)];
        seen.insert(start, false);
        while let Some((node, next)) = path.last_mut() {
            let node = *node;
            let needed = graph.get(node).and_then(|needs| needs.get(*next)).copied();
            *next += 1;
            match needed {
                None => {
                    seen.insert(node, true);
                    sorted.push(node);
                    path.pop();
                }
                Some(needed) => match seen.get(needed) {
                    Some(true) => {}
                    Some(false) => {
                        let circle = path.iter().map(|(node, _)| *node).skip_while(|node| *node != needed);
                        return Err(circle.collect());
                    }
                    None => {
                        seen.insert(needed, false);
                        path.push((needed, 0));
                    }
                },
            }
        }
    }
    Ok(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_named_in_order() {
        let [a, b, c, d] = ["a", "b", "c", "d"].map(ComponentId::new);
        let graph: Graph<'_> = [(&a, vec![&b]), (&b, vec![&c]), (&c, vec![&b]), (&d, vec![])].into();
        assert_eq!(order(&graph), Err(vec![&b, &c]));
    }

    #[test]
    fn each_stands_after_what_it_needs() {
        let [a, b, c] = ["a", "b", "c"].map(ComponentId::new);
        let graph: Graph<'_> = [(&a, vec![&b, &c]), (&b, vec![&c]), (&c, vec![])].into();
        assert_eq!(order(&graph), Ok(vec![&c, &b, &a]));
    }
}
