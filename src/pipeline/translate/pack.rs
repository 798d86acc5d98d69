//! A file too large for the target, packed. Streamed from disk to disk.

use crate::error::{Problem, Reason, Result};
use crate::staging::{StagedBlob, Staging};
use std::fs::File;
use std::io::{BufReader, Read};
use tempfile::NamedTempFile;
use zip::result::ZipError;
use zip::write::{SimpleFileOptions, ZipWriter};

/// Files from here on need the larger tables of a zip file.
const LARGE: u64 = u32::MAX as u64;

/// The file in a zip file of its own, among the staged files. The same bytes give the same zip file.
pub fn zip(staging: &Staging, blob: &StagedBlob, name: &str) -> Result<StagedBlob> {
    let packed = NamedTempFile::new_in(staging.blob_dir())?;
    let mut writer = ZipWriter::new(packed);
    let options = SimpleFileOptions::default().large_file(blob.bytes >= LARGE);
    writer.start_file(name, options).map_err(wrong)?;
    let mut from = BufReader::new(File::open(staging.blob_path(&blob.hash))?);
    std::io::copy(&mut from, &mut writer)?;
    let packed = writer.finish().map_err(wrong)?;
    packed.as_file().sync_all()?;
    let hash = hash(&mut packed.reopen()?)?;
    let bytes = packed.as_file().metadata()?.len();
    packed.persist(staging.blob_path(&hash)).map_err(|e| Problem::from(e.error))?;
    Ok(StagedBlob { hash, bytes, mime: Some("application/zip".into()) })
}

fn hash(file: &mut impl Read) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file)?;
    Ok(hasher.finalize().to_hex().to_string())
}

fn wrong(e: ZipError) -> Problem {
    match e {
        ZipError::Io(e) => e.into(),
        other => Problem::new(Reason::Internal, format!("a zip file cannot be written: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_file_comes_out_as_it_went_in_and_the_same_twice() {
        let dir = tempfile::tempdir().unwrap();
        let staging = Staging::open(dir.path()).unwrap();
        let bytes = "ten years of customer history ".repeat(10_000);
        std::fs::write(staging.blob_path("ab"), &bytes).unwrap();
        let blob = StagedBlob { hash: "ab".into(), bytes: bytes.len() as u64, mime: None };
        let packed = zip(&staging, &blob, "история.txt").unwrap();
        assert!(packed.bytes < blob.bytes / 10);
        assert_eq!(zip(&staging, &blob, "история.txt").unwrap(), packed);
        let mut archive = zip::ZipArchive::new(File::open(staging.blob_path(&packed.hash)).unwrap()).unwrap();
        let mut back = String::new();
        archive.by_name("история.txt").unwrap().read_to_string(&mut back).unwrap();
        assert_eq!(back, bytes);
    }
}
