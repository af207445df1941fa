//! Runs modules for microcontrollers in wasmi: `runner JOBS` (../PROTOCOL.md).

use std::{env, error::Error, fs};
use wasmi::{Engine, Instance, Linker, Memory, Module, Store};

type Answer<T> = Result<T, Box<dyn Error>>;

/// An instance of a module for microcontrollers.
struct Mcu {
    store: Store<()>,
    instance: Instance,
    memory: Memory,
}

impl Mcu {
    fn load(engine: &Engine, path: &str) -> Answer<Mcu> {
        let module = Module::new(engine, fs::read(path)?)?;
        let mut store = Store::new(engine, ());
        let instance = Linker::new(engine).instantiate_and_start(&mut store, &module)?;
        let memory = instance.get_memory(&store, "memory").ok_or("no memory")?;
        Ok(Mcu { store, instance, memory })
    }

    /// A function without parameters that answers a number.
    fn call(&mut self, name: &str) -> Answer<i32> {
        let function = self.instance.get_typed_func::<(), i32>(&self.store, name)?;
        Ok(function.call(&mut self.store, ())?)
    }

    fn value(&self, name: &str) -> Answer<usize> {
        let global = self.instance.get_global(&self.store, name).ok_or_else(|| format!("no global {name}"))?;
        Ok(global.get(&self.store).i32().ok_or("not an i32")? as usize)
    }

    fn fold_bytes(&self, hash: u32, start: usize, size: usize) -> u32 {
        let words = self.memory.data(&self.store)[start..start + size].chunks_exact(4);
        words.fold(hash, |hash, word| fold(hash, u32::from_le_bytes([word[0], word[1], word[2], word[3]])))
    }

    fn drive(&mut self, seed: i32, steps: i32) -> Answer<u32> {
        let drive = self.instance.get_typed_func::<(i32, i32), i32>(&self.store, "drive")?;
        Ok(drive.call(&mut self.store, (seed, steps))? as u32)
    }

    /// Feeds samples through memory and `step`, as an embedder does.
    fn step_all(&mut self, samples: &[u8], steps: usize) -> Answer<u32> {
        if self.value("abi_version")? != 1 {
            return Err("unknown ABI version".into());
        }
        let (source, size) = (self.value("input")?, 4 * self.value("input_count")?);
        let (target, out) = (self.value("output")?, 4 * self.value("output_count")?);
        let mut hash = 0x811c_9dc5;
        let reset = self.instance.get_typed_func::<(), ()>(&self.store, "reset")?;
        reset.call(&mut self.store, ())?;
        for t in 0..steps {
            self.memory.write(&mut self.store, source, &samples[t * size..(t + 1) * size])?;
            hash = fold(hash, self.call("step")? as u32);
            hash = self.fold_bytes(hash, target, out);
        }
        Ok(self.fold_bytes(hash, self.value("state")?, self.value("state_size")?))
    }
}

fn fold(hash: u32, word: u32) -> u32 {
    (hash ^ word).wrapping_mul(0x0100_0193).rotate_left(5)
}

fn run(engine: &Engine, job: &[&str]) -> Answer<String> {
    let [kind, _, module, source, steps] = job else { return Err("not a job".into()) };
    let mut mcu = Mcu::load(engine, module)?;
    let selftest = mcu.call("selftest")?;
    let hash = match *kind {
        "drive" => mcu.drive(source.parse()?, steps.parse()?)?,
        _ => mcu.step_all(&fs::read(source)?, steps.parse()?)?,
    };
    Ok(format!("{hash} {selftest}"))
}

fn main() -> Answer<()> {
    let jobs = fs::read_to_string(env::args().nth(1).ok_or("usage: runner JOBS")?)?;
    let engine = Engine::default();
    for line in jobs.lines() {
        let job: Vec<&str> = line.split('\t').collect();
        let answer = run(&engine, &job).unwrap_or_else(|error| format!("error: {error}").replace('\n', " "));
        println!("{} {answer}", job.get(1).unwrap_or(&"?"));
    }
    Ok(())
}
