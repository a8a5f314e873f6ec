//! A tree of real files with a canary beside it.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use witgate_policy::Folder;
use witgate_sandbox::{Component, Plugin, PluginSpec, Sandbox};

use crate::probe::probing;
use crate::world::{compile, sandbox};

/// What no guest may ever read or change.
pub(crate) const CANARY: &str = "CANARY-5d1f";
/// What a folder may grow by unless a test says otherwise.
const QUOTA_BYTES: u64 = 1 << 20;

/// One for all tests of a process, so that the probe is compiled once.
static SANDBOX: LazyLock<Arc<Sandbox>> = LazyLock::new(sandbox);
static PROBE: OnceCell<Component> = OnceCell::const_new();

/// ```text
/// canary          out of reach
/// work/           /data, writable: note, sub/deep, and links, a FIFO and a socket that lead out or block
/// fixed/          /fixed, read-only: page
/// ```
pub(crate) struct Tree {
    _root: TempDir,
    path: PathBuf,
    pub(crate) sandbox: Arc<Sandbox>,
}

impl Tree {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        // As configurations are read: without links.
        let path = root.path().canonicalize().expect("a folder");
        let tree = Self { _root: root, path, sandbox: SANDBOX.clone() };
        fs::write(tree.canary(), CANARY).expect("written");
        fs::create_dir_all(tree.work("sub")).expect("made");
        fs::write(tree.work("note"), "hello").expect("written");
        fs::write(tree.work("sub/deep"), "deep").expect("written");
        let links: [(&str, PathBuf); 9] = [
            ("out", "../canary".into()),
            ("out-twice", "out".into()),
            ("outside", "..".into()),
            ("absolute", tree.canary()),
            ("root", "/".into()),
            ("magic", "/proc/self/root".into()),
            ("loop", "pool".into()),
            ("pool", "loop".into()),
            ("inner", "sub/deep".into()),
        ];
        for (name, target) in links {
            symlink(target, tree.work(name)).expect("linked");
        }
        fifo(&tree.work("fifo"));
        drop(UnixListener::bind(tree.work("socket")).expect("a socket"));
        fs::create_dir(tree.fixed("")).expect("made");
        fs::write(tree.fixed("page"), "fixed").expect("written");
        tree
    }

    pub(crate) fn canary(&self) -> PathBuf {
        self.path.join("canary")
    }

    pub(crate) fn work(&self, path: &str) -> PathBuf {
        self.path.join("work").join(path)
    }

    pub(crate) fn fixed(&self, path: &str) -> PathBuf {
        self.path.join("fixed").join(path)
    }

    /// A probe that was granted both folders.
    pub(crate) fn spec(&self) -> PluginSpec {
        let mut spec = probing();
        spec.grants.files =
            vec![folder(&self.work(""), "/data", Some(QUOTA_BYTES)), folder(&self.fixed(""), "/fixed", None)];
        spec
    }

    pub(crate) async fn plugin(&self) -> Plugin {
        self.load(self.spec()).await
    }

    /// A probe that may let the first folder grow by so much.
    pub(crate) async fn with_quota(&self, quota_bytes: u64) -> Plugin {
        let mut spec = self.spec();
        spec.grants.files[0].quota_bytes = quota_bytes;
        self.load(spec).await
    }

    pub(crate) async fn load(&self, spec: PluginSpec) -> Plugin {
        let compiled = PROBE.get_or_init(|| async {
            compile(&self.sandbox, witgate_test_guests::probe("files")).await.expect("compiles")
        });
        Plugin::load(&self.sandbox, compiled.await, spec).await.expect("loads")
    }

    #[track_caller]
    pub(crate) fn assert_whole(&self, after: &str) {
        assert_eq!(fs::read_to_string(self.canary()).expect("the canary is there"), CANARY, "after {after}");
        let mut there: Vec<_> = fs::read_dir(&self.path).expect("read").flatten().map(|e| e.file_name()).collect();
        there.sort();
        assert_eq!(there, ["canary", "fixed", "work"], "after {after}");
    }
}

/// A folder that may be written to when it has a quota.
pub(crate) fn folder(host: &Path, guest: &str, quota_bytes: Option<u64>) -> Folder {
    Folder {
        host: host.to_owned(),
        guest: guest.to_owned(),
        writable: quota_bytes.is_some(),
        quota_bytes: quota_bytes.unwrap_or(0),
    }
}

pub(crate) fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a FIFO");
}
