//! Tasks in a group: they end when the group does, and one that panics takes nobody along.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use smol::Executor;
use smol::Task;
use smol::future::FutureExt as _;

use crate::config::LogLevel;
use crate::logging::Entry;
use crate::logging::Logger;

/// The tasks of peers and dials.
pub(crate) struct TaskGroup {
    executor: Arc<Executor<'static>>,
    logger: Logger,
    tasks: Arc<Mutex<Tasks>>,
}

#[derive(Default)]
struct Tasks {
    next: u64,
    running: BTreeMap<u64, Task<()>>,
}

impl TaskGroup {
    pub(crate) fn new(executor: Arc<Executor<'static>>, logger: Logger) -> Self {
        Self { executor, logger, tasks: Arc::default() }
    }

    /// Runs a task until it ends or the group is dropped.
    pub(crate) fn spawn(&self, name: &'static str, future: impl Future<Output = ()> + Send + 'static) {
        // Held until the task is in the group, so that even one that ends at once finds itself there.
        let mut tasks = lock(&self.tasks);
        let key = tasks.next;
        tasks.next += 1;
        let (group, logger) = (Arc::downgrade(&self.tasks), self.logger.clone());
        let task = self.executor.spawn(async move {
            if AssertUnwindSafe(future).catch_unwind().await.is_err() {
                let entry = Entry::new(LogLevel::Error, "a panic ended a task: a bug, please report it");
                logger.say(&entry.reason(name));
            }
            if let Some(group) = group.upgrade() {
                let ended = lock(&group).running.remove(&key);
                drop(ended);
            }
        });
        tasks.running.insert(key, task);
    }

    /// Ends all that run, and waits until they are gone.
    pub(crate) async fn end(&self) {
        let running = std::mem::take(&mut lock(&self.tasks).running);
        for task in running.into_values() {
            task.cancel().await;
        }
    }

    /// How many run.
    pub(crate) fn len(&self) -> usize {
        lock(&self.tasks).running.len()
    }
}

impl Drop for TaskGroup {
    fn drop(&mut self) {
        // Cancelling runs the destructors of others: not with the lock held.
        let running = std::mem::take(&mut lock(&self.tasks).running);
        drop(running);
    }
}

impl fmt::Debug for TaskGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup").field("len", &self.len()).finish_non_exhaustive()
    }
}

fn lock(tasks: &Mutex<Tasks>) -> MutexGuard<'_, Tasks> {
    // Nothing that panics runs with the lock held.
    tasks.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_panics_takes_nobody_along() {
        let executor = Arc::new(Executor::new());
        let group = TaskGroup::new(Arc::clone(&executor), Logger::new(LogLevel::Error));
        let (sender, receiver) = smol::channel::bounded(1);
        group.spawn("a test", async { panic!("on purpose") });
        group.spawn("a test", async move { sender.send(()).await.unwrap() });

        smol::block_on(executor.run(async {
            receiver.recv().await.unwrap();
            while group.len() > 0 {
                smol::future::yield_now().await;
            }
        }));
    }

    #[test]
    fn dropping_the_group_ends_its_tasks() {
        let executor = Arc::new(Executor::new());
        let group = TaskGroup::new(Arc::clone(&executor), Logger::new(LogLevel::Error));
        let (sender, receiver) = smol::channel::bounded::<()>(1);
        group.spawn("a test", async move {
            std::future::pending::<()>().await;
            drop(sender);
        });

        drop(group);

        assert!(smol::block_on(executor.run(receiver.recv())).is_err());
    }
}
