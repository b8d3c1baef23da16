//! One pipeline of the collector without the collector: its own receiver, processors, queue and exporter, lined up
//! as the graph lines them up (`collector/src/graph.rs`), but no command line, no configuration file, no telemetry
//! of its own. It builds without the lake, and is easy to profile.
//!
//! `pipeline --receiver otlp --ecs yes --to 127.0.0.1:24319`
//!
//! `--receiver otlp` listens on 24317 (gRPC) and 24318 (HTTP), `--receiver beacon` on 24381. `batch` has its
//! defaults.

use std::sync::Arc;
use std::time::Duration;

use benches::Failure;
use benches::arguments::Arguments;
use pipeline::fan_out::FanOut;
use pipeline::registry::Factory;
use pipeline::tail::Tail;
use pipeline::telemetry::ProcessorMetrics;
use pipeline::transform::Chain;
use pipeline::{Consumer, Host, Outlet, Outputs, Processor, Signal};
use settings::{ComponentId, Problems, SourceKind, SourceName};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The settings of a component, read as the collector reads them.
fn configured<C: ?Sized>(factory: &Factory<C>, yaml: &str) -> Result<Box<C>, Failure> {
    let mut problems = Problems::new();
    let kind = SourceKind::File("pipeline".to_owned());
    let source = Arc::new(SourceName { order: 0, kind });
    let node = settings::parse(yaml, &source, &mut problems).ok_or("no YAML")?;
    let config = (factory.decode)(&node, factory.name, &mut problems);
    config.ok_or_else(|| format!("{yaml}: {problems:?}").into())
}

async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let budget: usize = arguments.get("budget", 1024)?;
    let host = Host::new(budget << 20);
    let to: String = arguments.get("to", "127.0.0.1:24319".to_owned())?;

    let mut batch = None;
    let processor = configured(&processors::batch::factory(), "{}")?;
    if let Processor::Batch(settings) = processor.build(&"batch".parse()?, Signal::Logs)? {
        batch = Some(settings);
    }
    let id: ComponentId = "otlp_grpc".parse()?;
    let yaml = format!("{{endpoint: '{to}', compression: none, tls: {{insecure: true}}}}");
    let exporter = configured(&exporter_otlp::grpc_factory(), &yaml)?;
    let mut settings = exporter.tail();
    settings.batch = settings.batch.or(batch);
    let driver = exporter.build(&id, Signal::Logs, &host)?;
    let tail = Tail::start(&id.to_string(), Signal::Logs, driver, settings, &host).await?;

    let mut head: Arc<dyn Consumer> = FanOut::over(vec![tail.consumer()]);
    if arguments.get("ecs", "no".to_owned())? == "yes" {
        let ecs = configured(&processors::ecs::factory(), "{}")?;
        if let Processor::Transform(transform) = ecs.build(&"ecs".parse()?, Signal::Logs)? {
            let metrics = ProcessorMetrics::new("ecs", Signal::Logs);
            head = Arc::new(Chain::new(
                vec![transform],
                head,
                host.clock.clone(),
                metrics,
            ));
        }
    }
    let mut outputs = Outputs::default();
    outputs.set(Signal::Logs, Outlet::new(head));
    let receiver = match arguments.get("receiver", "otlp".to_owned())?.as_str() {
        "beacon" => {
            let yaml = "{endpoint: '127.0.0.1:24381', rate_limit: {enabled: false}}";
            configured(&receiver_beacon::factory(), yaml)?.build(&"beacon".parse()?, outputs)?
        }
        _ => {
            let yaml = "{protocols: {grpc: {endpoint: '127.0.0.1:24317'}, http: {endpoint: '127.0.0.1:24318'}}}";
            configured(&receiver_otlp::factory(), yaml)?.build(&"otlp".parse()?, outputs)?
        }
    };
    let running = receiver.start(host.clone()).await?;
    tokio::signal::ctrl_c().await?;
    running.stop.cancel();
    running.done.await??;
    tail.stop(tokio::time::Instant::now() + Duration::from_secs(10))
        .await;
    Ok(())
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::of_process(&["receiver", "ecs", "to", "budget"])?;
    // as the collector chooses (`collector/src/life_cycle.rs`)
    let mut builder = match std::thread::available_parallelism() {
        Ok(cores) if cores.get() == 1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    builder.enable_all().build()?.block_on(run(&arguments))
}
