//! Records in groups by resource and scope, in order of first appearance.

use bytes::Bytes;
use smallvec::SmallVec;

use super::arena::Arena;
use super::intern::Interner;
use super::layout::{BLOCKS, HEAD, INNER, SCHEMA_URL};
use super::outer::{RESOURCE_ATTRIBUTES, SCOPE_ATTRIBUTES};
use super::record::Record;
use super::walk::give_back_excess;
use crate::wire::put_bytes;
use crate::write::nest::{GROUP, Open, RECORD, RECORD_LIMIT, close, open};
use crate::{Payload, Signal};

/// The groups of a walk.
///
/// Each scope of each resource has a buffer in which the message of the
/// resource and that of the scope are open. At the end, the other scopes of a
/// resource are copied behind its first one; with one scope each, nothing is
/// copied again.
#[derive(Debug)]
pub(super) struct Groups<'a> {
    arena: &'a Arena,
    resource_numbers: Interner<'a>,
    scope_numbers: Interner<'a>,
    resources: SmallVec<[Resource<'a>; 1]>,
    scopes: SmallVec<[Scope<'a>; 1]>,
    /// The group of the records of the present block that stay where they are.
    block: Option<usize>,
    /// How much the buffer of the first group reserves.
    expected: usize,
    /// All of it together is probably not longer than a record may be.
    is_small: bool,
}

#[derive(Debug)]
struct Resource<'a> {
    content: &'a [u8],
    schema_url: &'a [u8],
    /// Its scopes, by number, in order of first appearance.
    scopes: SmallVec<[usize; 4]>,
}

#[derive(Debug)]
struct Scope<'a> {
    schema_url: &'a [u8],
    out: Vec<u8>,
    resource: Open,
    /// Where the message of the scope starts in the buffer.
    start: usize,
    scope: Open,
    items: usize,
}

impl<'a> Groups<'a> {
    pub(super) fn new(arena: &'a Arena, expected: usize) -> Self {
        Groups {
            arena,
            resource_numbers: Interner::new(RESOURCE_ATTRIBUTES),
            scope_numbers: Interner::new(SCOPE_ATTRIBUTES),
            resources: SmallVec::new(),
            scopes: SmallVec::new(),
            block: None,
            expected,
            is_small: expected < RECORD_LIMIT,
        }
    }

    /// Another resource or scope surrounds what comes next.
    pub(super) fn next_block(&mut self) {
        self.block = None;
    }

    /// The group that this record wants to be in.
    #[inline]
    pub(super) fn of(&mut self, record: &mut Record<'a>) -> usize {
        if record.is_moved() {
            self.of_moved(record)
        } else {
            self.of_block(record)
        }
    }

    /// The group of records that stay in the present block.
    #[inline]
    pub(super) fn of_block(&mut self, record: &mut Record<'a>) -> usize {
        match self.block {
            Some(group) => group,
            None => {
                let group = self.find(record, false);
                self.block = Some(group);
                group
            }
        }
    }

    fn of_moved(&mut self, record: &mut Record<'a>) -> usize {
        self.find(record, true)
    }

    fn find(&mut self, record: &mut Record<'a>, moved: bool) -> usize {
        let block = record.block;
        let own = if moved { record.moved_resource() } else { None };
        let (resource, url) = match own {
            Some(own) => {
                let url = own.schema_url();
                let message = &mut own.message;
                let write = |out: &mut Vec<u8>| message.write(out);
                (self.resource_numbers.intern(self.arena, 0, url, write), url)
            }
            None => {
                let url = block.resource_schema_url;
                let write = |out: &mut Vec<u8>| out.extend_from_slice(block.resource);
                (self.resource_numbers.intern(self.arena, 0, url, write), url)
            }
        };
        if let Some(content) = resource.new {
            self.resources.push(Resource {
                content,
                schema_url: url,
                scopes: SmallVec::new(),
            });
        }
        let own = if moved { record.moved_scope() } else { None };
        let (scope, url) = match own {
            Some(own) => {
                let url = own.schema_url();
                let message = &mut own.message;
                let write = |out: &mut Vec<u8>| message.write(out);
                (
                    self.scope_numbers
                        .intern(self.arena, resource.number, url, write),
                    url,
                )
            }
            None => {
                let url = block.scope_schema_url;
                let write = |out: &mut Vec<u8>| out.extend_from_slice(block.scope);
                (
                    self.scope_numbers
                        .intern(self.arena, resource.number, url, write),
                    url,
                )
            }
        };
        if let Some(content) = scope.new {
            self.open(resource.number, scope.number, content, url);
        }
        scope.number
    }

    /// Starts the group of a new scope.
    fn open(&mut self, resource: usize, scope: usize, content: &[u8], schema_url: &'a [u8]) {
        let Some(around) = self.resources.get_mut(resource) else {
            return;
        };
        around.scopes.push(scope);
        let width = if self.is_small { RECORD } else { GROUP };
        let mut out = Vec::with_capacity(std::mem::take(&mut self.expected));
        let resource = open(&mut out, BLOCKS, width);
        if !around.content.is_empty() {
            put_bytes(&mut out, HEAD, around.content);
        }
        let start = out.len();
        let scope = open(&mut out, INNER, width);
        if !content.is_empty() {
            put_bytes(&mut out, HEAD, content);
        }
        self.scopes.push(Scope {
            schema_url,
            out,
            resource,
            start,
            scope,
            items: 0,
        });
    }

    /// Appends to a group what holds so many items.
    #[inline]
    pub(super) fn put(&mut self, group: usize, items: usize, write: impl FnOnce(&mut Vec<u8>)) {
        if let Some(scope) = self.scopes.get_mut(group) {
            scope.items += items;
            write(&mut scope.out);
        }
    }

    /// The payload of all groups.
    pub(super) fn finish(mut self, signal: Signal) -> Payload {
        let mut payload = Payload::empty(signal);
        for scope in &mut self.scopes {
            if !scope.schema_url.is_empty() {
                put_bytes(&mut scope.out, SCHEMA_URL, scope.schema_url);
            }
            close(&mut scope.out, scope.scope);
        }
        for resource in &self.resources {
            let Some((&first, others)) = resource.scopes.split_first() else {
                continue;
            };
            let Some(first) = self.scopes.get_mut(first) else {
                continue;
            };
            let (mut out, mut items) = (std::mem::take(&mut first.out), first.items);
            let message = first.resource;
            for other in others.iter().filter_map(|&other| self.scopes.get(other)) {
                out.extend_from_slice(other.out.get(other.start..).unwrap_or_default());
                items += other.items;
            }
            if !resource.schema_url.is_empty() {
                put_bytes(&mut out, SCHEMA_URL, resource.schema_url);
            }
            close(&mut out, message);
            give_back_excess(&mut out);
            payload.append(Payload::from_valid(signal, Bytes::from(out), items));
        }
        payload
    }
}
