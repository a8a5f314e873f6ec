use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::sync::watch;

use super::client::{AskError, ask_in};
use super::*;
use crate::generation::Roster;

struct Place {
    folder: TempDir,
    origin: Origin,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("witgate.toml");
        fs::write(&file, "").expect("writes");
        Self { folder, origin: Origin::File(file) }
    }

    fn sockets(&self) -> PathBuf {
        self.folder.path().join("sockets")
    }

    fn socket(&self) -> PathBuf {
        socket(&self.sockets(), &self.origin).expect("the configuration is there")
    }

    fn start(&self, generation: u64) -> Result<(Control, watch::Sender<Arc<Roster>>), ControlError> {
        let (sender, roster) = watch::channel(Arc::new(Roster { generation, ..Roster::default() }));
        Ok((Control::start_in(&self.sockets(), &self.origin, roster)?, sender))
    }

    /// Off the runtime's threads, as another process is.
    async fn ask(&self) -> Option<Report> {
        self.ask_friends(is_friend).await.expect("an answer")
    }

    async fn ask_friends(&self, is_friend: fn(u32) -> bool) -> Result<Option<Report>, AskError> {
        let (folder, origin) = (self.sockets(), self.origin.clone());
        tokio::task::spawn_blocking(move || ask_in(&folder, &origin, is_friend)).await.expect("asks")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_answers_for_its_newest_generation_while_it_runs() {
    let place = Place::new();
    assert_eq!(place.ask().await, None);
    let (control, sender) = place.start(1).expect("starts");
    assert_eq!(place.ask().await.expect("a gate").generation, Some(1));
    sender.send_replace(Arc::new(Roster { generation: 2, ..Roster::default() }));
    let report = place.ask().await.expect("a gate");
    assert_eq!((report.generation, report.pid), (Some(2), Some(std::process::id())));
    drop(control);
    assert!(!place.socket().exists());
    assert_eq!(place.ask().await, None);
}

#[tokio::test]
async fn the_socket_is_for_its_user_only() {
    let place = Place::new();
    let _held = place.start(1).expect("starts");
    let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
    assert_eq!((mode(&place.sockets()), mode(&place.socket())), (0o700, 0o600));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_gate_goes_without_and_a_socket_that_was_left_is_replaced() {
    let place = Place::new();
    let first = place.start(1).expect("starts");
    assert!(matches!(place.start(2).map(|_| ()), Err(ControlError::Taken)));
    assert_eq!(place.ask().await.expect("the first").generation, Some(1));
    drop(first);
    // As a gate leaves it that was killed.
    drop(std::os::unix::net::UnixListener::bind(place.socket()).expect("binds"));
    assert_eq!(place.ask().await, None);
    let _third = place.start(3).expect("starts");
    assert_eq!(place.ask().await.expect("the third").generation, Some(3));
}

#[tokio::test]
async fn a_folder_that_others_could_change_is_not_used() {
    #[track_caller]
    fn check(prepare: impl FnOnce(&Path), want: &str) {
        let place = Place::new();
        prepare(&place.sockets());
        let refused = place.start(1).map(|_| ()).expect_err("refused").to_string();
        assert!(refused.contains(want), "{refused}");
    }
    check(|folder| fs::write(folder, "").expect("writes"), "is not a folder");
    check(|folder| symlink("/", folder).expect("links"), "is not a folder");
    check(
        |folder| {
            fs::create_dir(folder).expect("makes");
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("opens");
        },
        "is open to other users",
    );
}

#[test]
fn only_the_own_user_and_root_are_friends() {
    assert!(trusts(1000, 1000) && trusts(1000, 0));
    assert!(!trusts(1000, 1001) && !trusts(0, 1000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_not_asked() {
    let place = Place::new();
    let _held = place.start(1).expect("starts");
    assert!(place.ask().await.is_some());
    let own = rustix::process::geteuid().as_raw();
    let got = place.ask_friends(|_| false).await;
    assert!(matches!(got, Err(AskError::Stranger(user)) if user == own), "{got:?}");

    fs::set_permissions(place.sockets(), fs::Permissions::from_mode(0o777)).expect("opens");
    let got = place.ask_friends(is_friend).await;
    assert!(matches!(got, Err(AskError::Folder { .. })), "{got:?}");
    fs::set_permissions(place.sockets(), fs::Permissions::from_mode(0o700)).expect("closes");

    fs::rename(place.sockets(), place.folder.path().join("moved")).expect("moved");
    symlink(place.folder.path().join("moved"), place.sockets()).expect("linked");
    let got = place.ask_friends(is_friend).await;
    assert!(matches!(got, Err(AskError::Folder { .. })), "{got:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_badly_is_told_and_hurts_nobody() {
    let place = Place::new();
    let _held = place.start(1).expect("starts");
    let talk = |question: &'static [u8]| {
        let socket = place.socket();
        tokio::task::spawn_blocking(move || {
            let mut stream = UnixStream::connect(socket).expect("connects");
            stream.write_all(question).expect("writes");
            stream.shutdown(std::net::Shutdown::Write).expect("ends");
            let mut answer = String::new();
            // The gate may have gone away in the middle of a question that is too long.
            let _ = stream.read_to_string(&mut answer);
            answer
        })
    };
    for bad in [&b"\n"[..], b"{}", br#"{"ask":"everything"}"#, &[b'x'; 1025]] {
        let answer = talk(bad).await.expect("talks");
        assert!(answer.is_empty() || answer.starts_with(r#"{"error":"#), "{answer}");
    }
    assert!(place.ask().await.is_some());
}
