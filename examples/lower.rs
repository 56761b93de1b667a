fn main() {
    std::thread::Builder::new()
        .stack_size(512 << 20)
        .spawn(|| {
            let p = std::env::args().nth(1).unwrap();
            let t = std::fs::read_to_string(&p).unwrap();
            let m = readiness::module::lower::lower(
                readiness::source::Language::Rust,
                &t,
                &readiness::limits::Limits::default(),
            )
            .unwrap();
            println!("{}", readiness::module::print::module(&m));
        })
        .unwrap()
        .join()
        .unwrap();
}
