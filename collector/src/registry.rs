//! The components of this build. The only file that asks for features of components.

use pipeline::Registry;

/// All components that were compiled in.
pub(crate) fn registry() -> Registry {
    let registry = Registry::new();
    #[cfg(feature = "receiver-otlp")]
    let registry = registry.receiver(receiver_otlp::factory());
    #[cfg(feature = "receiver-beacon")]
    let registry = registry.receiver(receiver_beacon::factory());
    #[cfg(feature = "processor-attributes")]
    let registry = registry.processor(processors::attributes::factory());
    #[cfg(feature = "processor-batch")]
    let registry = registry.processor(processors::batch::factory());
    #[cfg(feature = "processor-ecs")]
    let registry = registry.processor(processors::ecs::factory());
    #[cfg(feature = "processor-memory-limiter")]
    let registry = registry.processor(processors::memory_limiter::factory());
    #[cfg(feature = "processor-resource")]
    let registry = registry.processor(processors::resource::factory());
    #[cfg(feature = "exporter-debug")]
    let registry = registry.exporter(exporter_debug::factory());
    #[cfg(feature = "exporter-delta")]
    let registry = registry.exporter(exporter_delta::factory());
    #[cfg(feature = "exporter-files")]
    let registry = registry.exporter(exporter_files::factory());
    #[cfg(feature = "exporter-otlp")]
    let registry = registry
        .exporter(exporter_otlp::grpc_factory())
        .exporter(exporter_otlp::http_factory());
    #[cfg(feature = "extension-auth")]
    let registry = registry
        .extension(extension_auth::bearer_token_factory())
        .extension(extension_auth::basic_factory());
    #[cfg(feature = "extension-file-storage")]
    let registry = registry.extension(extension_file_storage::factory());
    #[cfg(feature = "extension-health-check")]
    let registry = registry.extension(extension_health_check::factory());
    registry
}
