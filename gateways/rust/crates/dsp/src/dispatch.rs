//! One loop, compiled for several machines.
//!
//! The distribution is built for what every x86-64 can do (SSE2); a machine that has AVX2 does twice as many samples at a
//! time. The body of a kernel is written once, in plain Rust that the compiler turns into vectors; both builds of it are
//! made from that one source, use whole numbers (or conversions that are exact), and so give the same bits. On other
//! architectures there is the plain build alone.

/// Whether this machine runs the wide build.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn wide() -> bool {
    #[cfg(test)]
    if tests::NARROW.get() {
        return false;
    }
    std::arch::is_x86_feature_detected!("avx2")
}

/// Define a function whose body is built twice and chosen when it is called.
macro_rules! dispatched {
    (
        $(#[$about:meta])*
        $visibility:vis fn $name:ident($($argument:ident: $kind:ty),* $(,)?) $(-> $result:ty)? $body:block
    ) => {
        $(#[$about])*
        $visibility fn $name($($argument: $kind),*) $(-> $result)? {
            #[inline(always)]
            fn plain($($argument: $kind),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[allow(unsafe_code)]
                #[target_feature(enable = "avx2")]
                unsafe fn wide($($argument: $kind),*) $(-> $result)? {
                    plain($($argument),*)
                }

                if $crate::dispatch::wide() {
                    // SAFETY: the machine has just said that it has AVX2.
                    #[allow(unsafe_code)]
                    return unsafe { wide($($argument),*) };
                }
            }
            plain($($argument),*)
        }
    };
}
pub(crate) use dispatched;

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    thread_local! {
        pub static NARROW: Cell<bool> = const { Cell::new(false) };
    }

    /// What some work gives by the wide build (where the machine has one), and by the plain one.
    pub fn both<T>(work: impl Fn() -> T) -> (T, T) {
        let wide = work();
        NARROW.set(true);
        let plain = work();
        NARROW.set(false);
        (wide, plain)
    }
}
