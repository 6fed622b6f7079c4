use crate::Raised;
use std::collections::HashMap;
use std::os::raw::c_void;
use std::sync::{Arc, RwLock};

/// An object that callers look into, where the interface mirrors bytes of it.
pub trait Mirrored {
    /// Fills in what they see; called when a function made or used the object.
    fn mirror(&self, bytes: &mut [u8]);
}

/// The objects of one kind that a server's callers hold.  A caller knows an object by its
/// address; one that is no longer here is refused, whatever the caller says.
pub struct Objects<T> {
    kept: RwLock<HashMap<usize, Arc<T>>>,
}

impl<T> Default for Objects<T> {
    fn default() -> Objects<T> {
        Objects { kept: RwLock::new(HashMap::new()) }
    }
}

fn key<T>(object: &Arc<T>) -> usize {
    Arc::as_ptr(object) as *const c_void as usize
}

impl<T> Objects<T> {
    /// NULL for None.
    pub fn put(&self, object: Option<T>) -> *mut c_void {
        let object = match object {
            None => return std::ptr::null_mut(),
            Some(object) => Arc::new(object),
        };
        let at = key(&object);
        self.kept.write().unwrap_or_else(|e| e.into_inner()).insert(at, object);
        at as *mut c_void
    }

    /// What `put` gave an object; NULL for None, and for one that is not kept.
    pub fn find(&self, object: Option<Arc<T>>) -> *mut c_void {
        let at = object.as_ref().map_or(0, key);
        let kept = self.kept.read().unwrap_or_else(|e| e.into_inner());
        if kept.contains_key(&at) { at as *mut c_void } else { std::ptr::null_mut() }
    }

    pub fn get(&self, at: *mut c_void) -> Result<Arc<T>, Raised> {
        let kept = self.kept.read().unwrap_or_else(|e| e.into_inner());
        kept.get(&(at as usize)).cloned().ok_or_else(gone)
    }

    /// None for NULL.
    pub fn get_nullable(&self, at: *mut c_void) -> Result<Option<Arc<T>>, Raised> {
        if at.is_null() {
            return Ok(None);
        }
        self.get(at).map(Some)
    }

    pub fn take(&self, at: *mut c_void) -> Result<Arc<T>, Raised> {
        self.kept.write().unwrap_or_else(|e| e.into_inner()).remove(&(at as usize)).ok_or_else(gone)
    }

    pub fn take_nullable(&self, at: *mut c_void) -> Result<Option<Arc<T>>, Raised> {
        if at.is_null() {
            return Ok(None);
        }
        self.take(at).map(Some)
    }

    pub fn len(&self) -> usize {
        self.kept.read().unwrap_or_else(|e| e.into_inner()).len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn gone() -> Raised {
    Raised::new("rhodes::Gone", "there is no such object")
}
