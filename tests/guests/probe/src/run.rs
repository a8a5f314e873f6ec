//! One call: what is done in it, and what it holds on to.

use std::cell::RefCell;
use std::hint::black_box;

use crate::op::{Control, Op};

thread_local! {
    /// What outlives a call, in an instance that does.
    static MEMORY: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// What one call holds on to: everything that it was not told to give back.
#[derive(Default)]
pub(crate) struct Run {
    #[cfg(feature = "files")]
    pub(crate) files: crate::files::Held,
    #[cfg(feature = "network")]
    pub(crate) network: crate::network::Held,
    #[cfg(feature = "local")]
    pub(crate) local: crate::local::Held,
    memory: Vec<Vec<u8>>,
}

impl Run {
    pub(crate) fn all(&mut self, ops: &[Op]) -> Vec<Result<String, String>> {
        ops.iter().map(|op| self.one(op)).collect()
    }

    fn one(&mut self, op: &Op) -> Result<String, String> {
        match op {
            Op::Control(control) => self.control(control),
            Op::Runtime(op) => op.run(),
            #[cfg(feature = "files")]
            Op::Files(op) => op.run(&mut self.files),
            #[cfg(feature = "network")]
            Op::Network(request) => request.run(&mut self.network),
            #[cfg(feature = "local")]
            Op::Local(op) => op.run(&mut self.local),
        }
    }

    fn control(&mut self, control: &Control) -> Result<String, String> {
        match control {
            Control::Repeat { times, ops } => self.repeat(*times, ops),
            Control::Allocate { bytes } => {
                self.memory.push(black_box(vec![1; *bytes]));
                Ok(format!("{bytes} bytes"))
            }
            Control::Spin { turns } => {
                (0..*turns).for_each(|turn| {
                    black_box(turn);
                });
                Ok(format!("{turns} turns"))
            }
            Control::Remember { value } => {
                MEMORY.with_borrow_mut(|memory| *memory = Some(value.clone()));
                Ok("kept".to_owned())
            }
            Control::Recall {} => MEMORY.with_borrow(|memory| memory.clone().ok_or_else(|| "nothing".to_owned())),
            Control::Panic {} => panic!("as told"),
        }
    }

    fn repeat(&mut self, times: u32, ops: &[Op]) -> Result<String, String> {
        let (mut errors, mut last) = (0, Ok("nothing".to_owned()));
        for _ in 0..times {
            for op in ops {
                last = self.one(op);
                errors += u32::from(last.is_err());
            }
        }
        let told = |text: String| format!("{times} times, {errors} errors, last: {text}");
        last.map(told).map_err(told)
    }
}
