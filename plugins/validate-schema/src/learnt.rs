//! What was learnt of one schema: it need not be found out again.

use crate::patterns::Patterns;
use crate::reference::References;

#[derive(Debug, Default)]
pub(crate) struct Learnt {
    pub(crate) patterns: Patterns,
    pub(crate) references: References,
}
