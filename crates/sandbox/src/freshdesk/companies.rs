//! Companies: <https://developers.freshdesk.com/api/#companies>. A name is one company's alone; so is, *unverified*, a domain.

use super::Ask;
use super::attributes::{Attributes, Given, is_day};
use super::custom;
use super::form::Form;
use super::listing::since;
use super::pages::{Page, only};
use super::refusal::{Fault, Refusal};
use super::store::{Account, Company, stamp};
use crate::desk::Answer;
use serde_json::{Map, Value, json};

const KNOWN: [&str; 9] = [
    "name",
    "custom_fields",
    "description",
    "domains",
    "note",
    "health_score",
    "account_tier",
    "renewal_date",
    "industry",
];

/// Choices of the default field, as the page of the company fields lists them.
const INDUSTRIES: &str = include_str!("industries.txt");

impl Account {
    pub fn company_json(&self, company: &Company) -> Value {
        json!({
            "id": company.id,
            "name": company.name,
            "description": company.description,
            "note": company.note,
            "domains": company.domains,
            "created_at": stamp(company.created_at),
            "updated_at": stamp(company.updated_at),
            "custom_fields": custom::shown(&self.company_fields, &company.custom),
            "health_score": company.health_score,
            "account_tier": company.account_tier,
            "renewal_date": company.renewal_date.as_ref().map(|day| format!("{day}T00:00:00Z")),
            "industry": company.industry,
        })
    }

    /// `GET /companies`, in alphabetical order.
    pub fn list_companies(&self, ask: &Ask<'_>) -> Result<Answer, Refusal> {
        only(ask.call, &["updated_since", "page", "per_page"])?;
        let page = Page::of(ask.call)?;
        let since = since(ask.call.param("updated_since"))?;
        let recent = |c: &&Company| since.is_none_or(|moment| c.updated_at >= moment);
        let mut rows: Vec<&Company> = self.companies.values().filter(recent).collect();
        rows.sort_by_cached_key(|c| (c.name.to_lowercase(), c.id));
        Ok(page.answer(ask.call, &rows, |c| self.company_json(c)))
    }

    /// `POST /companies`; the id of the new one.
    pub fn create_company(&mut self, ask: &Ask<'_>) -> Result<u64, Refusal> {
        let company = Company {
            id: 0,
            name: String::new(),
            description: None,
            note: None,
            domains: Vec::new(),
            health_score: None,
            account_tier: None,
            renewal_date: None,
            industry: None,
            custom: Map::new(),
            created_at: ask.now,
            updated_at: ask.now,
        };
        let mut company = self.read_company(company, ask)?;
        company.id = self.next_id();
        let id = company.id;
        self.companies.insert(id, company);
        Ok(id)
    }

    /// `PUT /companies/[id]`.
    pub fn update_company(&mut self, id: u64, ask: &Ask<'_>) -> Result<(), Refusal> {
        let current = self.companies.get(&id).cloned().ok_or(Refusal::NotFound)?;
        let company = self.read_company(current, ask)?;
        self.companies.insert(id, company);
        Ok(())
    }

    /// `DELETE /companies/[id]`: its contacts stay, without it.
    pub fn delete_company(&mut self, id: u64) -> Result<(), Refusal> {
        self.companies.remove(&id).ok_or(Refusal::NotFound)?;
        for contact in self.contacts.values_mut() {
            contact.company_id = contact.company_id.filter(|company| *company != id);
            contact.other_companies.retain(|(company, _)| *company != id);
        }
        Ok(())
    }

    fn read_company(&self, mut company: Company, ask: &Ask<'_>) -> Result<Company, Refusal> {
        let form = Form::of(ask.call)?;
        let mut sent = Attributes::of(&form, &KNOWN)?;
        if company.id == 0 && !sent.has("name") {
            sent.fault(Fault::missing("name"));
        } else if sent.is_blank("name") {
            sent.fault(Fault::blank("name"));
        }
        company.name = sent.line("name").flatten().unwrap_or(company.name);
        lay(&mut company.description, sent.text("description"));
        lay(&mut company.note, sent.text("note"));
        if let Some(domains) = sent.texts("domains") {
            company.domains = domains.unwrap_or_default();
        }
        let lists = [
            ("health_score", &mut company.health_score, "At risk\nDoing okay\nHappy"),
            ("account_tier", &mut company.account_tier, "Basic\nPremium\nEnterprise"),
            ("industry", &mut company.industry, INDUSTRIES),
        ];
        for (name, slot, choices) in lists {
            let given = sent.text(name);
            let allowed: Vec<String> = choices.lines().map(str::to_owned).collect();
            if given.iter().flatten().any(|value| !allowed.contains(value)) {
                sent.fault(Fault::not_in(name, &allowed));
            }
            lay(slot, given);
        }
        let day = sent.text("renewal_date");
        if let Some(Some(text)) = day.as_ref().filter(|d| !d.as_ref().is_none_or(|text| is_day(text))) {
            sent.fault(Fault::mismatch("renewal_date", &json!(text), "date format (YYYY-MM-DD)"));
        }
        lay(&mut company.renewal_date, day);
        let given = sent.object("custom_fields").flatten().unwrap_or_default();
        let (values, faults) = custom::lay_over(&self.company_fields, &company.custom, &given, form.textual);
        sent.faults(faults);
        sent.faults(custom::lacking(&self.company_fields, &values, false));
        sent.faults(self.company_taken(&company));
        sent.done()?;
        (company.custom, company.updated_at) = (values, ask.now);
        Ok(company)
    }

    fn company_taken(&self, company: &Company) -> Vec<Fault> {
        let others = || self.companies.values().filter(|c| c.id != company.id);
        let mut faults = Vec::new();
        if others().any(|c| c.name.to_lowercase() == company.name.to_lowercase()) {
            faults.push(Fault::taken("name", None));
        }
        for domain in &company.domains {
            if domain.is_empty() || domain.contains(['@', '/', ' ', ',']) {
                faults.push(Fault::invalid("domains", "It should contain elements of type valid domain"));
            } else if others().any(|c| c.domains.iter().any(|d| d.eq_ignore_ascii_case(domain))) {
                faults.push(Fault::taken("domains", None));
            }
        }
        faults
    }
}

fn lay(slot: &mut Option<String>, given: Given<String>) {
    if let Some(value) = given {
        *slot = value;
    }
}
