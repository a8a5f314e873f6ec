//! Renames under a walking guest: somebody with the same folder turns a folder into a link to outside and back, over and
//! over, and a file too, while the guest opens what is in the one and the other.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::arena::Arena;
use crate::attempt::{Breach, Outcome};
use crate::canary;
use crate::reach;

/// The row's name.
pub(crate) const NAME: &str = "renames-under-a-walk";

/// Calls of the guest, at most: each walks some sixty times, and both faces of what is renamed have to be met.
const CALLS: usize = 100;

/// What the guest reads in what is its own.
const INSIDE: &str = "inside";

/// A folder and a file, each with a link outside that takes its place.
const PAIRS: [(&str, &str); 2] = [("data/walk", ".."), ("data/turn", "../canary")];

/// Renames until it is dropped.
struct Renames {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Renames {
    fn start(folder: &Path) -> Self {
        let over = Arc::<AtomicBool>::default();
        let (seen, folder) = (over.clone(), folder.to_owned());
        let thread = std::thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                for (path, _) in PAIRS {
                    turn(&folder.join(path));
                }
            }
        });
        Self { over, thread: Some(thread) }
    }
}

impl Drop for Renames {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // A panic of the thread was printed, and shows as a walk that met one face only.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    path.with_file_name(format!("{}-{end}", path.file_name().unwrap_or_default().display()))
}

/// The link takes the place, and gives it back.
fn turn(path: &Path) {
    let (link, kept) = (beside(path, "link"), beside(path, "kept"));
    for (from, to) in [(path, &*kept), (&link, path), (path, &link), (&kept, path)] {
        std::fs::rename(from, to).expect("a rename");
    }
}

/// What is renamed: the folder holds a file that is named as the one outside is.
pub(crate) fn furnish(folder: &Path) {
    for (path, target) in PAIRS {
        std::os::unix::fs::symlink(target, beside(&folder.join(path), "link")).expect("a link");
    }
    std::fs::create_dir(folder.join("data/walk")).expect("a folder");
    for file in ["data/walk/canary", "data/turn"] {
        std::fs::write(folder.join(file), INSIDE).expect("a file");
    }
}

/// Walks until both faces were met, as many times as it takes, within bounds.
pub(crate) async fn attack(arena: &Arena) -> Outcome {
    let _renames = Renames::start(arena.folder.path());
    let walk = r#"{"op":"cat","dir":"/data","path":"walk/canary"},{"op":"cat","dir":"/data","path":"turn"}"#;
    let arguments = format!("{{\"ops\":[{}]}}", [walk; 30].join(","));
    let mut client = arena.client();
    let (mut read, mut refused) = (0, 0);
    for _ in 0..CALLS {
        let body = client.call("probe-files", &arguments).await.body;
        if body.contains(arena.canaries.text(canary::FILE)) {
            return Err(Breach::Leak(format!("the file outside in {body}")));
        }
        for told in reach::told(&body) {
            match told["message"].as_str().unwrap_or_default().split_once(": ") {
                Some(("ok", INSIDE)) => read += 1,
                // Between two renames nothing has the name.
                Some(("error", "no-entry")) => {}
                Some(("error", _)) => refused += 1,
                _ => return Err(Breach::Escape(format!("neither what is inside nor an error: {told}"))),
            }
        }
        if read > 0 && refused > 0 {
            return Ok(None);
        }
    }
    Err(Breach::Unexplained(format!("{read} walks came to what is inside, {refused} were refused: both have to occur")))
}
