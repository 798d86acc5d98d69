//! Cells of a table, tried side by side: most of a cell is waiting.

use std::sync::Mutex;

/// What came of each of these cells, by its place in a table of so many; nothing where one was not tried.
pub fn tried(cells: Vec<usize>, of: usize, side_by_side: usize, cell: impl Fn(usize) -> String + Sync) -> Vec<String> {
    let (waiting, came) = (Mutex::new(cells), Mutex::new(vec![String::new(); of]));
    std::thread::scope(|scope| {
        for _ in 0..side_by_side {
            scope.spawn(|| {
                while let Some(place) = { waiting.lock().unwrap().pop() } {
                    let told = cell(place);
                    came.lock().unwrap()[place] = told;
                }
            });
        }
    });
    came.into_inner().unwrap()
}
