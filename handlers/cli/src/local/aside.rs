//! What is read beside the loop that hears events: it may take longer than events wait to be heard.

use tokio::task::JoinHandle;

/// Something that is read over and over, at most once at a time.
#[derive(Debug)]
pub struct Aside<T>(Option<JoinHandle<T>>);

impl<T: Send + 'static> Aside<T> {
    /// Nothing is being read.
    pub fn new() -> Self {
        Self(None)
    }

    /// Whether something is being read.
    pub fn is_under_way(&self) -> bool {
        self.0.is_some()
    }

    /// Begins to read.
    pub fn begin(&mut self, read: impl Future<Output = T> + Send + 'static) {
        self.0 = Some(tokio::spawn(read));
    }

    /// Waits for what is being read; without end where nothing is. Dropped while it waits, it loses nothing.
    pub async fn done(&mut self) -> T {
        loop {
            let Some(under_way) = &mut self.0 else { return std::future::pending().await };
            let read = under_way.await;
            self.0 = None;
            // One that panicked has read nothing.
            if let Ok(read) = read {
                return read;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn others_are_heard_while_something_is_read() {
        let mut aside = Aside::new();
        let (finish, finished) = oneshot::channel::<u32>();
        aside.begin(async { finished.await.unwrap() });
        for _ in 0..3 {
            tokio::select! {
                _ = aside.done() => panic!("it is not read yet"),
                () = tokio::task::yield_now() => {}
            }
        }
        assert!(aside.is_under_way());
        finish.send(7).unwrap();
        assert_eq!(aside.done().await, 7);
        assert!(!aside.is_under_way());
    }
}
