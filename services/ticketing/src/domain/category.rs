//! Category trees of kinds.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::config::Text;

/// A node of a kind's category tree; keys are unique within the kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Category {
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9_-]+$")]
    pub key: String,
    pub name: Text,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub children: Vec<Category>,
}

/// Deepest level of a tree.
pub const DEPTH: usize = 5;

/// Every key of the trees, depth first.
#[must_use]
pub fn keys(categories: &[Category]) -> Vec<&str> {
    categories
        .iter()
        .flat_map(|category| {
            let mut found = vec![category.key.as_str()];
            found.extend(keys(&category.children));
            found
        })
        .collect()
}

/// The node with this key.
#[must_use]
pub fn find<'a>(categories: &'a [Category], key: &str) -> Option<&'a Category> {
    categories.iter().find_map(|category| {
        if category.key == key { Some(category) } else { find(&category.children, key) }
    })
}

/// Levels of the deepest branch.
#[must_use]
pub fn depth(categories: &[Category]) -> usize {
    categories.iter().map(|category| 1 + depth(&category.children)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(key: &str, children: Vec<Category>) -> Category {
        Category { key: key.into(), name: Text::new(key, key), children }
    }

    #[test]
    fn keys_and_depth_of_a_tree() {
        let tree = [node("delivery", vec![node("late", vec![]), node("lost", vec![])])];
        assert_eq!(keys(&tree), ["delivery", "late", "lost"]);
        assert_eq!(find(&tree, "lost").map(|found| found.key.as_str()), Some("lost"));
        assert!(find(&tree, "gone").is_none());
        assert_eq!((depth(&tree), depth(&[])), (2, 0));
    }
}
