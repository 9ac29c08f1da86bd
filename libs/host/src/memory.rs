//! How a process that runs modules gets its memory.

/// Requests allocate much and free it soon, on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Keeps the kernel from backing the heap with pages of 2 MB, which the allocator asks for: a few
/// bytes in use hold such a page as a whole, so that memory grew in steps of many megabytes after
/// hours of steady work, and no limit of a pod could be told from a leak.
#[cfg(target_os = "linux")]
pub fn ordinary_pages() -> std::io::Result<()> {
    Ok(rustix::thread::disable_transparent_huge_pages(true)?)
}

/// Keeps the kernel from backing the heap with huge pages, where it does that.
#[cfg(not(target_os = "linux"))]
pub fn ordinary_pages() -> std::io::Result<()> {
    Ok(())
}
