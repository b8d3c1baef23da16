// Sends one known set of logs, metrics and spans with the official Node SDK, over
// OTLP/HTTP in JSON with gzip: `node sdk.mjs http://localhost:4318`. What is sent is
// spelled out again, row by row, in e2e/test_sdk.py.
import { SpanKind, SpanStatusCode, TraceFlags, trace, ROOT_CONTEXT } from '@opentelemetry/api';
import { SeverityNumber } from '@opentelemetry/api-logs';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';

const base = process.argv[2];
const to = (signal) => ({ url: `${base}/v1/${signal}`, compression: CompressionAlgorithm.GZIP });
const resource = resourceFromAttributes({ 'service.name': 'sdk-node', 'host.id': 'h-7', 'process.pid': 4711 });
const TIME = 1767225600123; // 2026-01-01T00:00:00.123Z
const PARENT = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: TraceFlags.SAMPLED };
const values = {
  'a.string': 'zażółć "gęślą" \\ jaźń',
  'a.int': 9007199254740991,
  'a.double': 0.1,
  'a.bool': true,
  'a.strings': ['x', 'y'],
  'a.ints': [1, 2, 3],
};

async function logs() {
  const provider = new LoggerProvider({
    resource, processors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter(to('logs')) })],
  });
  const logger = provider.getLogger('node-scope', '1.2.3');
  const context = trace.setSpanContext(ROOT_CONTEXT, PARENT);
  logger.emit({
    eventName: 'order.placed', timestamp: TIME, observedTimestamp: TIME + 1, severityNumber: SeverityNumber.WARN,
    severityText: 'warning', body: 'plain text', attributes: values, context,
  });
  logger.emit({
    timestamp: TIME, observedTimestamp: TIME + 1, severityNumber: SeverityNumber.INFO,
    body: { user: { id: 7, tags: ['a', 'b'] }, ok: false }, attributes: { nested: { deep: { er: 'yes' } } },
  });
  for (let n = 0; n < 500; n += 1) {
    logger.emit({ timestamp: TIME + n, severityNumber: SeverityNumber.DEBUG, body: `numbered ${n}`, attributes: { n } });
  }
  await provider.forceFlush();
  await provider.shutdown();
}

async function spans() {
  const provider = new BasicTracerProvider({
    resource, spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter(to('traces')))],
  });
  const tracer = provider.getTracer('node-scope', '1.2.3');
  const span = tracer.startSpan(
    'GET /orders/{id}',
    { kind: SpanKind.SERVER, attributes: values, startTime: TIME, links: [{ context: PARENT, attributes: { why: 'retry' } }] },
    trace.setSpanContext(ROOT_CONTEXT, PARENT),
  );
  span.addEvent('cache.miss', { key: 'order:7' }, TIME + 10);
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'upstream said 502' });
  span.end(TIME + 250);
  await provider.forceFlush();
  await provider.shutdown();
}

async function metrics() {
  const reader = new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter(to('metrics')), exportIntervalMillis: 3_600_000,
  });
  const provider = new MeterProvider({ resource, readers: [reader] });
  const meter = provider.getMeter('node-scope', '1.2.3');
  meter.createCounter('orders', { unit: '{order}', description: 'orders placed' }).add(3, { 'shop.region': 'eu' });
  meter.createUpDownCounter('basket').add(-2.5);
  meter.createGauge('temperature', { unit: 'Cel' }).record(21.5, { room: 'attic' });
  const latency = meter.createHistogram('latency', { unit: 'ms', advice: { explicitBucketBoundaries: [10, 100] } });
  for (const value of [5, 50, 500, 7]) latency.record(value, { route: '/' });
  await provider.shutdown();
}

await Promise.all([logs(), spans(), metrics()]);
