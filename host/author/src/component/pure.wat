;; WASI preview 1 for plugins whose verdict is to depend on nothing but what they are told: no arguments, no environment,
;; no files, no entropy. Time is a count of how often it was asked for. What is written to standard output goes to
;; standard error too, so that a runtime's last words are heard.
;;
;; The module has no memory of its own. Where a call needs room for its answer it borrows twelve bytes at address 16 of the
;; plugin's memory, and puts back what was there.
(module
  (import "env" "memory" (memory 0))
  (import "wasi:cli/stderr@0.2.12" "get-stderr" (func $get_stderr (result i32)))
  (import "wasi:io/streams@0.2.12" "[method]output-stream.blocking-write-and-flush"
    (func $write (param $stream i32) (param $bytes i32) (param $len i32) (param $answer i32)))

  (global $stream (mut i32) (i32.const -1))
  (global $asked (mut i64) (i64.const 0))

  (func $none (param $count i32) (param $size i32) (result i32)
    (i32.store (local.get $count) (i32.const 0))
    (i32.store (local.get $size) (i32.const 0))
    (i32.const 0))

  (func (export "args_get") (param i32 i32) (result i32) (i32.const 0))
  (func (export "args_sizes_get") (param i32 i32) (result i32) (call $none (local.get 0) (local.get 1)))
  (func (export "environ_get") (param i32 i32) (result i32) (i32.const 0))
  (func (export "environ_sizes_get") (param i32 i32) (result i32) (call $none (local.get 0) (local.get 1)))
  (func (export "sched_yield") (result i32) (i32.const 0))
  (func (export "proc_exit") (param i32) unreachable)
  (func (export "adapter_monotonic_clock_set_paused") (param i32))

  ;; A microsecond passes with each question.
  (func (export "clock_time_get") (param $clock i32) (param $precision i64) (param $time i32) (result i32)
    (global.set $asked (i64.add (global.get $asked) (i64.const 1000)))
    (i64.store (local.get $time) (global.get $asked))
    (i32.const 0))

  ;; To wait is to be told at once that one thing has come.
  (func (export "poll_oneoff") (param $waited i32) (param $events i32) (param $len i32) (param $count i32) (result i32)
    (i32.store (local.get $count) (i32.const 1))
    (i64.store (local.get $events) (i64.load (local.get $waited)))
    (i32.store offset=8 (local.get $events) (i32.const 0))
    (i32.const 0))

  ;; Entropy is refused and not made up: a runtime then seeds its tables with the time, and what wanted a key fails.
  (func (export "random_get") (param i32 i32) (result i32) (i32.const 52))

  (func (export "fd_write") (param $fd i32) (param $parts i32) (param $len i32) (param $written i32) (result i32)
    (local $sum i32)
    (if (i32.gt_u (local.get $fd) (i32.const 2)) (then (return (i32.const 8))))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $len)))
        (call $say (i32.load (local.get $parts)) (i32.load offset=4 (local.get $parts)))
        (local.set $sum (i32.add (local.get $sum) (i32.load offset=4 (local.get $parts))))
        (local.set $parts (i32.add (local.get $parts) (i32.const 8)))
        (local.set $len (i32.sub (local.get $len) (i32.const 1)))
        (br $next)))
    (i32.store (local.get $written) (local.get $sum))
    (i32.const 0))

  ;; A stream takes 4,096 bytes at once.
  (func $say (param $bytes i32) (param $len i32)
    (local $some i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $len)))
        (local.set $some (select (local.get $len) (i32.const 4096) (i32.lt_u (local.get $len) (i32.const 4096))))
        (call $say_some (local.get $bytes) (local.get $some))
        (local.set $bytes (i32.add (local.get $bytes) (local.get $some)))
        (local.set $len (i32.sub (local.get $len) (local.get $some)))
        (br $next))))

  (func $say_some (param $bytes i32) (param $len i32)
    (local $low i64) (local $high i32)
    (if (i32.eq (global.get $stream) (i32.const -1)) (then (global.set $stream (call $get_stderr))))
    (local.set $low (i64.load offset=16 (i32.const 0)))
    (local.set $high (i32.load offset=24 (i32.const 0)))
    (call $write (global.get $stream) (local.get $bytes) (local.get $len) (i32.const 16))
    (i64.store offset=16 (i32.const 0) (local.get $low))
    (i32.store offset=24 (i32.const 0) (local.get $high)))

  ;; All else is about things that are not there: a bad descriptor.
  (func (export "clock_res_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_advise") (param i32 i64 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_allocate") (param i32 i64 i64) (result i32) (i32.const 8))
  (func (export "fd_close") (param i32) (result i32) (i32.const 8))
  (func (export "fd_datasync") (param i32) (result i32) (i32.const 8))
  (func (export "fd_fdstat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_fdstat_set_flags") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_fdstat_set_rights") (param i32 i64 i64) (result i32) (i32.const 8))
  (func (export "fd_filestat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_filestat_set_size") (param i32 i64) (result i32) (i32.const 8))
  (func (export "fd_filestat_set_times") (param i32 i64 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_pread") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_prestat_dir_name") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_prestat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_pwrite") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_read") (param i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_readdir") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_renumber") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_seek") (param i32 i64 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_sync") (param i32) (result i32) (i32.const 8))
  (func (export "fd_tell") (param i32 i32) (result i32) (i32.const 8))
  (func (export "path_create_directory") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_filestat_get") (param i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_filestat_set_times") (param i32 i32 i32 i32 i64 i64 i32) (result i32) (i32.const 8))
  (func (export "path_link") (param i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_open") (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32) (i32.const 8))
  (func (export "path_readlink") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_remove_directory") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_rename") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_symlink") (param i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_unlink_file") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "proc_raise") (param i32) (result i32) (i32.const 8))
  (func (export "sock_accept") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "sock_recv") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "sock_send") (param i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "sock_shutdown") (param i32 i32) (result i32) (i32.const 8)))
